#pragma once
// The most multiply-adds an ISA can do, for every V of its simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// Count independent sums: more than latency x units (4 x 2 on x86, up to 4 x 4 elsewhere), and few enough to fit the
// registers beside factor and term.
template <class V, std::size_t Count = 12>
double fma_peak(std::size_t iterations, typename V::Value* sink) noexcept {
  using T = typename V::Value;
  typename V::Register sum[Count];
#pragma GCC unroll 24
  for (std::size_t i = 0; i < Count; ++i) sum[i] = V::all(static_cast<T>(i));
  const auto factor = V::all(static_cast<T>(0.999));
  const auto term = V::all(static_cast<T>(0.001));
  for (std::size_t step = 0; step < iterations; ++step) {
#pragma GCC unroll 24
    for (std::size_t i = 0; i < Count; ++i) sum[i] = V::fma(sum[i], factor, term);
  }
  T lanes[V::kLanes];
#pragma GCC unroll 24
  for (std::size_t i = 0; i < Count; ++i) {
    V::store(lanes, sum[i]);
    *sink += lanes[0];
  }
  return 2.0 * static_cast<double>(Count * V::kLanes) * static_cast<double>(iterations);
}

}  // namespace gradsift::generic
