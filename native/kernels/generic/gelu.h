#pragma once
// The Gaussian error linear unit, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/generic/elementary.h"

namespace gradsift::generic {

// P(x), and the density P'(x), of the normal distribution.
template <class V>
struct Normal {
  typename V::Register below, density;
};

template <class V>
Normal<V> normal(typename V::Register x) noexcept {
  constexpr float kDensityAtZero = 0.39894228f;  // 1 / sqrt(2 pi)
  const auto size = V::max(x, V::sub(V::zero(), x));
  const auto exponential = exp_negative<V>(V::mul(V::mul(V::all(-0.5f), size), size));
  const auto tail = normal_tail<V>(size, exponential);
  return {V::where_less(x, V::zero(), tail, V::sub(V::all(1), tail)), V::mul(exponential, V::all(kDensityAtZero))};
}

template <class V>
void gelu(const float* x, std::size_t count, float* y) noexcept {
  for_each_register<V>(count, [&](std::size_t i, auto... mask) {
    const auto value = V::load(x + i, mask...);
    V::store(y + i, V::mul(value, normal<V>(value).below), mask...);
  });
}

template <class V>
void gelu_gradient(const float* x, const float* dy, std::size_t count, float* dx) noexcept {
  for_each_register<V>(count, [&](std::size_t i, auto... mask) {
    const auto value = V::load(x + i, mask...);
    const Normal<V> at = normal<V>(value);
    V::store(dx + i, V::mul(V::load(dy + i, mask...), V::fma(value, at.density, at.below)), mask...);
  });
}

}  // namespace gradsift::generic
