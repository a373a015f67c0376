#pragma once
// The most multiply-adds an ISA can do, for every V of its simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// 12 independent sums: more than latency x units (4 x 2) anywhere, and they fit 16 registers beside factor and term.
template <class V>
double fma_peak(std::size_t iterations, typename V::Value* sink) noexcept {
  using T = typename V::Value;
  constexpr std::size_t count = 12;
  typename V::Register sum[count];
#pragma GCC unroll 12
  for (std::size_t i = 0; i < count; ++i) sum[i] = V::all(static_cast<T>(i));
  const auto factor = V::all(static_cast<T>(0.999));
  const auto term = V::all(static_cast<T>(0.001));
  for (std::size_t step = 0; step < iterations; ++step) {
#pragma GCC unroll 12
    for (std::size_t i = 0; i < count; ++i) sum[i] = V::fma(sum[i], factor, term);
  }
  T lanes[V::kLanes];
#pragma GCC unroll 12
  for (std::size_t i = 0; i < count; ++i) {
    V::store(lanes, sum[i]);
    *sink += lanes[0];
  }
  return 2.0 * static_cast<double>(count * V::kLanes) * static_cast<double>(iterations);
}

}  // namespace gradsift::generic
