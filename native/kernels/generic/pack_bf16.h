#pragma once
// Rows of bfloat16 packed in pairs, for every V of an ISA's simd.h that has pairs(). Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

template <class V>
void pack_bf16(const PackPairs& pack) noexcept {
  const std::size_t whole = pack.lines / V::kLanes * V::kLanes;
  const std::size_t full = pack.odd ? pack.depth - 1 : pack.depth;
  for (std::size_t p = 0; p < pack.depth; ++p) {
    const std::uint16_t* even = pack.source + 2 * p * pack.depth_stride;
    const std::uint16_t* odd = even + pack.depth_stride;
    float* panel = pack.panel + p * pack.width;
    std::size_t line = 0;
    for (; p < full && line < whole; line += V::kLanes) V::store(panel + line, V::pairs(even + line, odd + line));
    for (; line < pack.width; ++line) {
      const std::uint32_t first = line < pack.lines ? even[line] : 0u;
      const std::uint32_t second = line < pack.lines && p < full ? odd[line] : 0u;
      const std::uint32_t pair = first | second << 16;
      __builtin_memcpy(panel + line, &pair, sizeof pair);
    }
  }
}

}  // namespace gradsift::generic
