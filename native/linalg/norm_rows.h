#pragma once
// Layer normalisation and root-mean-square normalisation of rows, and their gradients. All float32, contiguous.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// y = gain (x - mean) / sqrt(variance + epsilon) + bias for each row of x, [rows][columns]; gain, bias: [columns].
// bias null: the root-mean-square form, without mean and bias.
struct NormRows {
  std::size_t rows, columns;
  float epsilon;
  const float* x;
  const float* gain;
  const float* bias;
};

Status norm_rows(const Execution& execution, const NormRows& norm, float* y) noexcept;

// The gradients for dy: dx [rows][columns], dgain [columns] and, unless norm.bias is null, dbias [columns]. The sums
// over rows are formed in blocks of a size that depends on `rows` alone, then added in order.
Status norm_rows_gradient(const Execution& execution, const NormRows& norm, const float* dy, float* dx, float* dgain,
                          float* dbias) noexcept;

}  // namespace gradsift
