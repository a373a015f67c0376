#pragma once
// A float32 tile added to float64, for V = F64 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

template <class V>
void merge(const Merge& merge) noexcept {
  const auto alpha = V::all(merge.alpha);
  const auto beta = V::all(merge.beta);
  for (std::size_t i = 0; i < merge.rows; ++i) {
    const float* tile = merge.tile + i * merge.tile_stride;
    double* out = merge.out + i * merge.out_stride;
    for (std::size_t j = 0; j < merge.columns; j += V::kLanes) {
      const std::size_t left = merge.columns - j;
      if (left >= V::kLanes) {
        const auto value = V::mul(alpha, V::load(tile + j));
        V::store(out + j, merge.beta == 0 ? value : V::fma(beta, V::load(out + j), value));
      } else {
        const auto mask = V::mask(left);
        const auto value = V::mul(alpha, V::load(tile + j, mask));
        V::store(out + j, merge.beta == 0 ? value : V::fma(beta, V::load(out + j, mask), value), mask);
      }
    }
  }
}

}  // namespace gradsift::generic
