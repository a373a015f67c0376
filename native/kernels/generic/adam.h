#pragma once
// A step of Adam in one pass, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/generic/elementary.h"

namespace gradsift::generic {

template <class V>
void adam(const Adam& step) noexcept {
  const auto beta1 = V::all(step.beta1), rest1 = V::all(step.rest1);
  const auto beta2 = V::all(step.beta2), rest2 = V::all(step.rest2);
  const auto first = V::all(step.first), second = V::all(step.second), epsilon = V::all(step.epsilon);
  const auto minus_rate = V::all(-step.rate), decay = V::all(step.decay);
  for_each_register<V>(step.count, [&](std::size_t i, auto... mask) {
    const auto g = V::load(step.g + i, mask...), p = V::load(step.p + i, mask...);
    const auto m = V::fma(rest1, g, V::mul(beta1, V::load(step.m + i, mask...)));
    const auto v = V::fma(rest2, V::mul(g, g), V::mul(beta2, V::load(step.v + i, mask...)));
    const auto direction = V::div(V::mul(m, first), V::add(V::sqrt(V::mul(v, second)), epsilon));
    V::store(step.m + i, m, mask...);
    V::store(step.v + i, v, mask...);
    V::store(step.p + i, V::fma(minus_rate, V::fma(decay, p, direction), p), mask...);
  });
}

}  // namespace gradsift::generic
