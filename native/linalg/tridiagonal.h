#pragma once
// Q' A Q = T: a symmetric matrix to tridiagonal form by Householder reflections, blocked (Golub and Van Loan, section
// 8.3.1; Dongarra, Hammarling and Sorensen, 1989).

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// Rows are eliminated from the last to the first, so that the reflection of row i lies along memory and the rest is the
// leading block:  Q = H_{n-1} ... H_2,  H_i = I - tau_i v_i v_i',  v_i: i entries, the last of them 1.
struct TridiagonalForm {
  std::size_t n = 0;
  double* a = nullptr;         // n x n; the lower triangle is read; row i >= 2 becomes v_i, the rest scratch
  double* diagonal = nullptr;  // [n] of T
  double* off = nullptr;       // [n - 1] of T
  double* tau = nullptr;       // [n]
};

// Entries far above underflow are assumed, as after scaling to a largest entry of about 1.
Status tridiagonalise(const Execution& execution, const TridiagonalForm& form) noexcept;

// Z <- Z Q', for the rows of Z (n x n): eigenvectors of T, one a row, become those of A.
Status apply_reflections(const Execution& execution, const TridiagonalForm& form, double* z) noexcept;

}  // namespace gradsift
