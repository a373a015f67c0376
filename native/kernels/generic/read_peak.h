#pragma once
// What a plain streaming read can do, for every V of an ISA's simd.h. Include it inside the region.

#include <cstddef>

namespace gradsift::generic {

// 8 sums in flight: two loads a cycle never wait for an addition. The hardware foresees one stream within a page; asked
// for a kilobyte ahead, the next page comes in time too.
template <class V>
float sum(const float* x, std::size_t count) noexcept {
  constexpr std::size_t parts = 8;
  constexpr std::size_t ahead = 256;
  typename V::Register sum[parts];
#pragma GCC unroll 8
  for (std::size_t part = 0; part < parts; ++part) sum[part] = V::zero();
  std::size_t i = 0;
  for (; i + parts * V::kLanes <= count; i += parts * V::kLanes) {
#pragma GCC unroll 8
    for (std::size_t part = 0; part < parts; ++part) {
      const float* line = x + i + part * V::kLanes;
      sum[part] = V::add(sum[part], V::load(line));
      __builtin_prefetch(line + ahead);
    }
  }
  float lanes[V::kLanes];
  float total = 0;
#pragma GCC unroll 8
  for (std::size_t part = 0; part < parts; ++part) {
    V::store(lanes, sum[part]);
    for (const float lane : lanes) total += lane;
  }
  for (; i < count; ++i) total += x[i];
  return total;
}

}  // namespace gradsift::generic
