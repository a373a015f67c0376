#pragma once
// 16-bit floats to float32, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

template <class V, typename V::Register (*Widen)(const std::uint16_t*) noexcept>
void widen(const std::uint16_t* bits, std::size_t count, float* out) noexcept {
  std::size_t i = 0;
  for (; i + V::kLanes <= count; i += V::kLanes) V::store(out + i, Widen(bits + i));
  if (i == count) return;
  std::uint16_t rest[V::kLanes] = {};
  for (std::size_t lane = 0; i + lane < count; ++lane) rest[lane] = bits[i + lane];
  V::store(out + i, Widen(rest), V::mask(count - i));
}

}  // namespace gradsift::generic
