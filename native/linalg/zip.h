#pragma once
// Two matrices into one, element by element.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/kernels/table.h"

namespace gradsift {

// Element (i, j) is data[i * row_stride + j * column_stride]. A stride of 0 repeats, so that a row, a column or one
// value serves for all; column_stride is 0 or 1.
struct ZipInput {
  const float* data;
  std::size_t row_stride, column_stride;
};

// out[i][j] = x[i][j] op y[i][j] in float32, out: [rows][columns], apart from x and y or the same place as one of them.
Status zip(const Execution& execution, ZipOperation operation, std::size_t rows, std::size_t columns, const ZipInput& x,
           const ZipInput& y, float* out) noexcept;

}  // namespace gradsift
