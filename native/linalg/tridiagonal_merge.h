#pragma once
// The conquering half of divide and conquer for symmetric tridiagonal matrices: the eigenvectors of two halves become
// those of the whole (Cuppen, 1981), with deflation and with weights recomputed so that the vectors are orthogonal to
// working precision (Gu and Eisenstat, 1995).

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// The matrix is diag(T1, T2) + |coupling| u u', u = e_{top-1} + sign(coupling) e_top. On entry values and rows hold the
// eigenvalues and eigenvectors (one a row) of T1 in the first `top` places, of T2 in the others, and order sorts each
// half; on exit those of the whole.
struct TridiagonalMerge {
  std::size_t n = 0, top = 0;
  double coupling = 0;
  double* values = nullptr;      // [n]
  std::size_t* order = nullptr;  // [n]: values[order[k]] ascends; counted from `top` in the second half on entry
  double* rows = nullptr;        // [n][n], `stride` apart; zero outside of the two diagonal blocks on entry
  std::size_t stride = 0;
  double* gathered = nullptr;  // n * n doubles of scratch
  double* factors = nullptr;   // n * n doubles of scratch
};

Status merge_halves(const Execution& execution, const TridiagonalMerge& merge) noexcept;

}  // namespace gradsift
