#pragma once
// Eigenvalues and eigenvectors of a symmetric tridiagonal matrix by divide and conquer.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

struct TridiagonalEigen {
  std::size_t n = 0;
  double* values = nullptr;      // [n]: the diagonal on entry, the eigenvalues on exit
  double* off = nullptr;         // [n - 1]: overwritten
  double* rows = nullptr;        // [n][n]: row k is the eigenvector of values[k]
  std::size_t* order = nullptr;  // [n]: values[order[k]] ascends
  double* scratch = nullptr;     // n * n
};

// step_limit when an iteration does not converge (not seen); the entries must be finite and about 1 or below.
Status tridiagonal_eigen(const Execution& execution, const TridiagonalEigen& problem) noexcept;

}  // namespace gradsift
