#pragma once
// Packing of panels, for every V of an ISA's simd.h (V holds the packed values). Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// Lines side by side: each step in depth copies one piece of a row. Vectors registers hold one step of the panel.
template <class V, std::size_t Vectors, bool Whole, class From>
void pack_side_by_side(const Pack<From, typename V::Value>& pack) noexcept {
  typename V::Mask read[Vectors], write[Vectors];
#pragma GCC unroll 4
  for (std::size_t v = 0; v < Vectors; ++v) {
    const std::size_t first = v * V::kLanes;
    const std::size_t lines = pack.lines > first ? pack.lines - first : 0;
    const std::size_t width = pack.width > first ? pack.width - first : 0;
    read[v] = V::mask(lines < V::kLanes ? lines : V::kLanes);
    write[v] = V::mask(width < V::kLanes ? width : V::kLanes);
  }
  const From* source = pack.source;
  typename V::Value* panel = pack.panel;
  const std::size_t ahead = 32 * pack.depth_stride;  // rows of their own pages, which the hardware does not foresee
  for (std::size_t p = 0; p < pack.depth; ++p, source += pack.depth_stride, panel += pack.width) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) {
      const std::size_t first = v * V::kLanes;
      __builtin_prefetch(source + first + ahead);
      if constexpr (Whole)
        V::store(panel + first, V::load(source + first));
      else
        V::store(panel + first, V::load(source + first, read[v]), write[v]);
    }
  }
}

// Panels half as wide as a register, lines running along memory: two pieces of each line fill a square, which is
// transposed in registers. Returns the depth that is done; what is left is shorter than two registers.
template <class V, class From>
std::size_t pack_halves(const Pack<From, typename V::Value>& pack) noexcept {
  constexpr std::size_t half = V::kLanes / 2;
  std::size_t p = 0;
  for (; p + 2 * V::kLanes <= pack.depth; p += 2 * V::kLanes) {
    typename V::Register square[V::kLanes];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < half; ++i) {
      const From* source = pack.source + i * pack.line_stride + p;
      square[i] = i < pack.lines ? V::load(source) : V::zero();
      square[half + i] = i < pack.lines ? V::load(source + V::kLanes) : V::zero();
    }
    V::transpose(square);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < V::kLanes; ++i) {
      V::store_halves(pack.panel + (p + i) * half, pack.panel + (p + V::kLanes + i) * half, square[i]);
    }
  }
  return p;
}

// Depth runs along memory: squares of kLanes lines x kLanes depths are transposed in registers.
template <class V, class From>
void pack_transposed(const Pack<From, typename V::Value>& pack) noexcept {
  std::size_t start = 0;
  if constexpr (requires { &V::store_halves; }) {
    if (2 * pack.width == V::kLanes) start = pack_halves<V>(pack);
  }
  for (std::size_t line = 0; line < pack.width; line += V::kLanes) {
    const std::size_t width = pack.width - line < V::kLanes ? pack.width - line : V::kLanes;
    const auto write = V::mask(width);
    for (std::size_t p = start; p < pack.depth; p += V::kLanes) {
      const std::size_t depth = pack.depth - p < V::kLanes ? pack.depth - p : V::kLanes;
      const auto read = V::mask(depth);
      typename V::Register square[V::kLanes];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < V::kLanes; ++i) {
        const From* source = pack.source + (line + i) * pack.line_stride + p;
        square[i] = line + i < pack.lines ? V::load(source, read) : V::zero();
      }
      V::transpose(square);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < V::kLanes; ++i) {
        if (i < depth) V::store(pack.panel + (p + i) * pack.width + line, square[i], write);
      }
    }
  }
}

template <class V, class From>
void pack_strided(const Pack<From, typename V::Value>& pack) noexcept {
  for (std::size_t p = 0; p < pack.depth; ++p) {
    const From* source = pack.source + p * pack.depth_stride;
    typename V::Value* panel = pack.panel + p * pack.width;
    for (std::size_t line = 0; line < pack.width; ++line) {
      panel[line] = line < pack.lines ? static_cast<typename V::Value>(source[line * pack.line_stride]) : 0;
    }
  }
}

template <class V, class From>
void pack(const Pack<From, typename V::Value>& pack) noexcept {
  if (pack.line_stride == 1) {
    const bool whole = pack.lines == pack.width && pack.width % V::kLanes == 0;
    switch ((pack.width + V::kLanes - 1) / V::kLanes) {
      case 1:
        return whole ? pack_side_by_side<V, 1, true>(pack) : pack_side_by_side<V, 1, false>(pack);
      case 2:
        return whole ? pack_side_by_side<V, 2, true>(pack) : pack_side_by_side<V, 2, false>(pack);
      case 3:
        return whole ? pack_side_by_side<V, 3, true>(pack) : pack_side_by_side<V, 3, false>(pack);
      default:
        break;  // no tile of ours is as wide
    }
  }
  if (pack.depth_stride == 1) return pack_transposed<V>(pack);
  pack_strided<V>(pack);
}

}  // namespace gradsift::generic
