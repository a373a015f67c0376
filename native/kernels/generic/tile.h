#pragma once
// The register tile of a matrix product, written once for every V of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// One step in depth: a multiply-add, or the two of a pair for a V whose values are pairs.
template <class V>
typename V::Register step(typename V::Register a, typename V::Register b, typename V::Register sum) noexcept {
  if constexpr (requires { &V::dot; }) {
    return V::dot(a, b, sum);
  } else {
    return V::fma(a, b, sum);
  }
}

// Level: 3 for the first-level cache, 2 for the second. A row of the tile is Vectors cache lines or less.
template <class V, std::size_t Rows, std::size_t Vectors, int Level>
void prefetch_c(const Tile<typename V::Value>& tile) noexcept {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Rows; ++i) {
    if (i >= tile.rows) break;
    for (std::size_t v = 0; v < Vectors; ++v) __builtin_prefetch(tile.c + i * tile.c_stride + v * V::kLanes, 1, Level);
  }
}

// Rows x Vectors accumulators stay in registers over the whole depth; each step loads Vectors registers of B and
// spreads one value of A at a time. Elements are summed in order of p, whatever Rows and Vectors: all variants give
// equal bits. PanelRows: width of the packed panel of A. Partial: the last vector has columns missing.
template <class V, std::size_t Rows, std::size_t Vectors, bool Partial>
void tile(const Tile<typename V::Value>& tile) noexcept {
  using T = typename V::Value;
  using Register = typename V::Register;
  constexpr std::size_t last = Vectors - 1;
  const auto mask = V::mask(tile.columns - last * V::kLanes);
  Register sum[Rows][Vectors];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) sum[i][v] = V::zero();
  }
  const T* a = tile.a;
  const T* b = tile.b;
  const std::size_t a_stride = tile.a_stride, b_stride = tile.b_stride;
  // Asked for ahead of time: A, since each of its lines serves few steps; what the caller reads next, on its way into
  // the second-level cache; and C, first into the second level, then, shortly before its use, into the first, which the
  // panels of B would have swept by then.
  constexpr std::size_t ahead = 8, late = 32, next_step = kNextBytes / sizeof(T);
  const T* next = tile.next;
  prefetch_c<V, Rows, Vectors, 2>(tile);
  std::size_t p = 0;
  for (std::size_t end = tile.depth > late ? tile.depth - late : 0;; end = tile.depth) {
    for (; p < end; ++p, a += a_stride, b += b_stride, next += next_step) {
      __builtin_prefetch(a + ahead * a_stride, 0, 3);
      __builtin_prefetch(next, 0, 2);
      Register columns[Vectors];
#pragma GCC unroll 4
      for (std::size_t v = 0; v < last; ++v) columns[v] = V::load(b + v * V::kLanes);
      columns[last] = Partial ? V::load(b + last * V::kLanes, mask) : V::load(b + last * V::kLanes);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < Rows; ++i) {
        const Register row = V::all(a[i]);
#pragma GCC unroll 4
        for (std::size_t v = 0; v < Vectors; ++v) sum[i][v] = step<V>(row, columns[v], sum[i][v]);
      }
    }
    if (p == tile.depth) break;
    std::atomic_signal_fence(std::memory_order_seq_cst);  // addresses of C are found here, not kept through the loop
    prefetch_c<V, Rows, Vectors, 3>(tile);
  }
  // Read once: as far as the compiler knows, a store to C may change `tile`.
  const std::size_t rows = tile.rows, stride = tile.c_stride;
  const Register alpha = V::all(tile.alpha);
  const Register beta = V::all(tile.beta);
  const bool reads = tile.beta != 0;
  T* c = tile.c;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Rows; ++i, c += stride) {
    if (i >= rows) break;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) {
      T* place = c + v * V::kLanes;
      const bool masked = Partial && v == last;
      Register value = V::mul(alpha, sum[i][v]);
      if (reads) value = V::fma(beta, masked ? V::load(place, mask) : V::load(place), value);
      masked ? V::store(place, value, mask) : V::store(place, value);
    }
  }
}

template <class V, std::size_t Rows, std::size_t Vectors>
void tile_columns(const Tile<typename V::Value>& t) noexcept {
  if (t.columns > (Vectors - 1) * V::kLanes) {
    t.columns == Vectors* V::kLanes ? tile<V, Rows, Vectors, false>(t) : tile<V, Rows, Vectors, true>(t);
  } else if constexpr (Vectors > 1) {
    tile_columns<V, Rows, Vectors - 1>(t);
  }
}

// Rows in steps of two: half the code of one variant a row, and at most one row of a partial tile is computed in vain.
template <class V, std::size_t Rows, std::size_t Vectors>
void tile_rows(const Tile<typename V::Value>& t) noexcept {
  static_assert(Rows % 2 == 0);
  if constexpr (Rows > 2) {
    if (t.rows <= Rows - 2) return tile_rows<V, Rows - 2, Vectors>(t);
  }
  tile_columns<V, Rows, Vectors>(t);
}

template <class V, std::size_t Rows, std::size_t Vectors>
inline constexpr TileKernel<typename V::Value> kTile = {Rows, Vectors* V::kLanes, tile_rows<V, Rows, Vectors>};

}  // namespace gradsift::generic
