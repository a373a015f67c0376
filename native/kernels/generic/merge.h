#pragma once
// A float32 tile added to float64, for V = F64 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// Reads: beta != 0.
template <class V, bool Reads>
void merge_rows(const Merge& merge) noexcept {
  const auto alpha = V::all(merge.alpha);
  const auto beta = V::all(merge.beta);
  const std::size_t whole = merge.columns / V::kLanes * V::kLanes;
  const std::size_t rest = merge.columns - whole;
  const auto mask = V::mask(rest);
  const std::size_t rows = merge.rows, tile_stride = merge.tile_stride, out_stride = merge.out_stride;
  const float* tile = merge.tile;
  double* out = merge.out;
  for (std::size_t i = 0; i < rows; ++i, tile += tile_stride, out += out_stride) {
    for (std::size_t j = 0; j < whole; j += V::kLanes) {
      const auto value = V::mul(alpha, V::load(tile + j));
      V::store(out + j, Reads ? V::fma(beta, V::load(out + j), value) : value);
    }
    if (rest != 0) {
      const auto value = V::mul(alpha, V::load(tile + whole, mask));
      V::store(out + whole, Reads ? V::fma(beta, V::load(out + whole, mask), value) : value, mask);
    }
  }
}

template <class V>
void merge(const Merge& merge) noexcept {
  merge.beta != 0 ? merge_rows<V, true>(merge) : merge_rows<V, false>(merge);
}

}  // namespace gradsift::generic
