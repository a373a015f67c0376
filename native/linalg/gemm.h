#pragma once
// Batched, strided matrix multiply. The blocking and threading live here, once; an ISA supplies only register tiles.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// A batch of matrices inside one array: element (b, i, j) is data[b * batch_stride + i * row_stride + j *
// column_stride]. Strides in elements. A transpose is a swap of row_stride and column_stride; batch_stride 0
// broadcasts.
template <class T>
struct Matrices {
  T* data = nullptr;
  std::size_t row_stride = 0;
  std::size_t column_stride = 1;
  std::size_t batch_stride = 0;
};

// C[b] = alpha A[b] B[b] + beta C[b].  A: m x k. B: k x n. C: m x n, column_stride 1, must not overlap A or B.
// beta == 0 overwrites C without reading it. Each element of C is summed over k in blocks of constant size, in order:
// the result has the same bits for any number of threads.
template <class T>
struct Gemm {
  std::size_t batch = 1, m = 0, n = 0, k = 0;
  T alpha = 1, beta = 0;
  Matrices<const T> a, b;
  Matrices<T> c;
};

Status gemm(const Execution& execution, const Gemm<float>& problem) noexcept;
Status gemm(const Execution& execution, const Gemm<double>& problem) noexcept;

}  // namespace gradsift
