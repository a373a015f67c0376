#pragma once
// Layer and root-mean-square normalisation of a row, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/generic/elementary.h"

namespace gradsift::generic {

struct Moments {
  float mean, inverse;  // inverse: 1 / sqrt(mean of (x - mean)^2 + epsilon)
};

// In two passes: the difference of two large means would cancel.
template <class V>
Moments moments(const float* x, std::size_t columns, bool centred, float epsilon) noexcept {
  const float count = static_cast<float>(columns);
  const auto value = [x](std::size_t i, auto... mask) { return V::load(x + i, mask...); };
  const float mean = centred ? sum_registers<V>(columns, value) / count : 0;
  const auto shift = V::all(mean);
  const float squares = sum_registers<V>(columns, [&](std::size_t i, auto... mask) {
    const auto difference = V::sub(V::load(x + i, mask...), shift);
    if constexpr (sizeof...(mask) == 0) {
      return V::mul(difference, difference);
    } else {
      return V::keep(V::mul(difference, difference), mask...);
    }
  });
  return {mean, 1 / std::sqrt(squares / count + epsilon)};
}

template <class V>
void norm(const NormRow& row) noexcept {
  const Moments found = moments<V>(row.x, row.columns, row.centred, row.epsilon);
  const auto mean = V::all(found.mean), inverse = V::all(found.inverse);
  const float* x = row.x;
  const float* gain = row.gain;
  const float* bias = row.bias;
  float* y = row.y;
  for_each_register<V>(row.columns, [&](std::size_t i, auto... mask) {
    const auto normal = V::mul(V::sub(V::load(x + i, mask...), mean), inverse);
    const auto shift = bias == nullptr ? V::zero() : V::load(bias + i, mask...);
    V::store(y + i, V::fma(normal, V::load(gain + i, mask...), shift), mask...);
  });
}

// With n the normalised row and a = gain dy: dx = inverse (a - mean(a) - n mean(a n)); mean(a) only where centred.
template <class V>
void norm_gradient(const NormGradientRow& row) noexcept {
  const Moments found = moments<V>(row.x, row.columns, row.centred, row.epsilon);
  const auto mean = V::all(found.mean), inverse = V::all(found.inverse);
  const float* x = row.x;
  const float* dy = row.dy;
  const float* gain = row.gain;
  const auto normal = [&](std::size_t i, auto... mask) {
    return V::mul(V::sub(V::load(x + i, mask...), mean), inverse);
  };
  const auto slope = [&](std::size_t i, auto... mask) {  // zero beyond the mask, as both inputs are
    return V::mul(V::load(gain + i, mask...), V::load(dy + i, mask...));
  };
  const float count = static_cast<float>(row.columns);
  const float along =
      sum_registers<V>(row.columns,
                       [&](std::size_t i, auto... mask) { return V::mul(slope(i, mask...), normal(i, mask...)); }) /
      count;
  const float level = row.centred ? sum_registers<V>(row.columns, slope) / count : 0;
  const auto minus_along = V::all(-along), minus_level = V::all(-level);
  for_each_register<V>(row.columns, [&](std::size_t i, auto... mask) {
    const auto n = normal(i, mask...), given = V::load(dy + i, mask...);
    const auto gained = V::fma(n, minus_along, V::add(slope(i, mask...), minus_level));
    V::store(row.gain_sum + i, V::fma(given, n, V::load(row.gain_sum + i, mask...)), mask...);
    if (row.bias_sum != nullptr) {
      V::store(row.bias_sum + i, V::add(given, V::load(row.bias_sum + i, mask...)), mask...);
    }
    V::store(row.dx + i, V::mul(gained, inverse), mask...);
  });
}

}  // namespace gradsift::generic
