#pragma once
// Eigenvalues and eigenvectors of symmetric matrices.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// A[b] = sum_k values[b][k] x_k x_k', x_k = vectors[b][k] orthonormal, values ascending. A: [batch][n][n], only its
// lower triangle is read; values: [batch][n]; vectors: [batch][n][n], one a row, apart from A. statuses ([batch]):
// non_finite when an entry is (or an eigenvalue would be), step_limit when an iteration failed (not seen); both with
// zeros for values and vectors.
struct Eigh {
  std::size_t batch = 1, n = 0;
  const double* a = nullptr;
  double* values = nullptr;
  double* vectors = nullptr;
  Status* statuses = nullptr;
};

Status eigh(const Execution& execution, const Eigh& problem) noexcept;

}  // namespace gradsift
