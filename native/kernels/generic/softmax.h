#pragma once
// Softmax of a row, its gradient and its cross-entropy, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/generic/elementary.h"

namespace gradsift::generic {

// out[j] = exp(scale (x[j] - most)) for j < count; returns their sum. out null: the sum only.
template <class V>
float exponentials(const float* x, std::size_t count, float scale, float most, float* out) noexcept {
  const auto factor = V::all(scale), shift = V::all(most);
  const auto exponential = [&](auto value) { return exp_negative<V>(V::mul(factor, V::sub(value, shift))); };
  return sum_registers<V>(count, [&](std::size_t i, auto... mask) {
    const auto y = exponential(V::load(x + i, mask...));
    if (out != nullptr) V::store(out + i, y, mask...);
    if constexpr (sizeof...(mask) == 0) {
      return y;
    } else {
      return V::keep(y, mask...);
    }
  });
}

template <class V>
void multiply_row(float* row, std::size_t count, float factor) noexcept {
  const auto all = V::all(factor);
  for_each_register<V>(
      count, [&](std::size_t i, auto... mask) { V::store(row + i, V::mul(V::load(row + i, mask...), all), mask...); });
}

inline void clear_row(float* row, std::size_t first, std::size_t end) noexcept {
  for (std::size_t j = first; j < end; ++j) row[j] = 0;
}

template <class V>
void softmax(const SoftmaxRow& row) noexcept {
  const float sum = exponentials<V>(row.x, row.length, row.scale, greatest<V>(row.x, row.length), row.y);
  multiply_row<V>(row.y, row.length, 1 / sum);
  clear_row(row.y, row.length, row.columns);
}

template <class V>
void softmax_gradient(const SoftmaxGradientRow& row) noexcept {
  const float* y = row.y;
  const float* dy = row.dy;
  const float dot = sum_registers<V>(row.length, [=](std::size_t i, auto... mask) {
    return V::mul(V::load(y + i, mask...), V::load(dy + i, mask...));
  });
  const auto mean = V::all(dot), scale = V::all(row.scale);
  float* dx = row.dx;
  for_each_register<V>(row.length, [&](std::size_t i, auto... mask) {
    const auto centred = V::sub(V::load(dy + i, mask...), mean);
    V::store(dx + i, V::mul(V::mul(V::load(y + i, mask...), scale), centred), mask...);
  });
  clear_row(row.dx, row.length, row.columns);
}

template <class V>
float cross_entropy(const CrossEntropyRow& row) noexcept {
  const float most = greatest<V>(row.x, row.columns);
  const float label = row.x[row.label];  // before a gradient in place writes over it
  const float sum = exponentials<V>(row.x, row.columns, 1, most, row.gradient);
  if (row.gradient != nullptr) {
    multiply_row<V>(row.gradient, row.columns, row.scale / sum);
    row.gradient[row.label] -= row.scale;
  }
  return std::log(sum) + (most - label);
}

}  // namespace gradsift::generic
