#pragma once
// Rows moved about: transposes that keep the last dimension, slices, splits, concatenations.

#include <array>
#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// out[i . out_strides + l] = x[i . x_strides + l] for every index i of `sizes` and l < run, all 32 bits wide.
inline constexpr std::size_t kCopyDimensions = 4;
struct StridedCopy {
  std::array<std::size_t, kCopyDimensions> sizes, x_strides, out_strides;
  std::size_t run;
  const float* x;
  float* out;
};

Status strided_copy(const Execution& execution, const StridedCopy& copy) noexcept;

}  // namespace gradsift
