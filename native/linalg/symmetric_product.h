#pragma once
// Products whose result is known to be symmetric: only one triangle is computed (half the flops), then mirrored.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/gemm.h"

namespace gradsift {

// C[b] = alpha A[b] B[b] + beta C[b] + gamma I, for symmetric A, B (n x n, row_stride given, contiguous columns) that
// commute, so that the product is symmetric. C is written in full, exactly symmetric; beta == 0 never reads it and
// beta != 0 reads its lower triangle only. C must not overlap A or B. A.data == B.data (a square) is allowed.
template <class T>
struct SymmetricProduct {
  std::size_t batch = 1, n = 0;
  T alpha = 1, beta = 0, gamma = 0;
  Matrices<const T> a, b;
  Matrices<T> c;
};

Status symmetric_product(const Execution& execution, const SymmetricProduct<float>& problem) noexcept;
Status symmetric_product(const Execution& execution, const SymmetricProduct<double>& problem) noexcept;

}  // namespace gradsift
