#pragma once
// Rows of a symmetric matrix times a vector, for V = F64 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// Rows rows at a time, so that x and y are read (and y written) once for all of them. Left of the group each value of
// A is used twice, for its own row and for its mirror; the small triangle at the diagonal follows one by one.
template <class V, std::size_t Rows>
void lower_rows_group(const LowerRows& all, std::size_t row) noexcept {
  const std::size_t length = all.first + row, stride = all.a_stride;
  const double* a = all.a + row * stride;
  const double* x = all.x;
  double* y = all.y;
  typename V::Register sum[Rows], weight[Rows];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
    sum[i] = V::zero();
    weight[i] = V::all(x[length + i]);
  }
  const std::size_t whole = length / V::kLanes * V::kLanes;
  for (std::size_t j = 0; j < whole; j += V::kLanes) {
    const auto column = V::load(x + j);
    auto mirrored = V::load(y + j);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const auto value = V::load(a + i * stride + j);
      sum[i] = V::fma(value, column, sum[i]);
      mirrored = V::fma(value, weight[i], mirrored);
    }
    V::store(y + j, mirrored);
  }
  if (whole != length) {
    const auto mask = V::mask(length - whole);
    const auto column = V::load(x + whole, mask);
    auto mirrored = V::load(y + whole, mask);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const auto value = V::load(a + i * stride + whole, mask);
      sum[i] = V::fma(value, column, sum[i]);
      mirrored = V::fma(value, weight[i], mirrored);
    }
    V::store(y + whole, mirrored, mask);
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
    const double* entry = a + i * stride + length;
    double own = V::sum(sum[i]);
    for (std::size_t k = 0; k < i; ++k) {
      own += entry[k] * x[length + k];
      y[length + k] += entry[k] * x[length + i];
    }
    y[length + i] += own + entry[i] * x[length + i];
  }
}

// Rows: how many at a time; Rows sums + Rows weights + x + y + one value must fit the registers.
template <class V, std::size_t Rows>
void lower_rows(const LowerRows& all) noexcept {
  std::size_t row = 0;
  for (; row + Rows <= all.rows; row += Rows) lower_rows_group<V, Rows>(all, row);
  for (; row < all.rows; ++row) lower_rows_group<V, 1>(all, row);
}

}  // namespace gradsift::generic
