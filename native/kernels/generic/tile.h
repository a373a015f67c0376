#pragma once
// The register tile of a matrix product, written once for every V of an ISA's simd.h. Include it inside the region.

#include "native/core/scratch.h"
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

// The cache lines of what is wanted after a tile, asked for one by one, round and round. A row begins anywhere in its
// first line, so that its end may lie in one more than its length fills.
template <class V>
class WantedLines {
 public:
  explicit WantedLines(const Tile<typename V::Value>& tile) noexcept
      : start_(static_cast<const char*>(tile.wanted)),
        rows_(tile.rows),
        stride_(tile.wanted_stride),
        bytes_(tile.wanted_bytes) {}

  std::size_t count() const noexcept { return rows_ * (bytes_ / kAlignment + 1); }
  void ask() noexcept {
    __builtin_prefetch(start_ + row_ * stride_ + column_, 1, 3);
    if (++row_ < rows_) return;
    row_ = 0;
    column_ = column_ + kAlignment > bytes_ ? 0 : column_ + kAlignment;
  }

 private:
  const char* start_;
  std::size_t rows_, stride_, bytes_, row_ = 0, column_ = 0;
};

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
  // the second-level cache; and C, a line every few steps: many at once, from memory, would keep B waiting.
  constexpr std::size_t ahead = 8, group = kAlignment / kNextBytes;
  const T* next = tile.next;
  WantedLines<V> wanted(tile);
  const std::size_t depth = tile.depth;
  for (std::size_t left = wanted.count(); left > depth / group; --left) wanted.ask();  // too short for all
  for (std::size_t p = 0; p < depth;) {
    __builtin_prefetch(next, 0, 2);
    next += kAlignment / sizeof(T);
    wanted.ask();
    for (const std::size_t end = depth - p < group ? depth : p + group; p < end; ++p, a += a_stride, b += b_stride) {
      __builtin_prefetch(a + ahead * a_stride, 0, 3);
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
inline constexpr TileKernel<typename V::Value> kTile = {Rows, Vectors* V::kLanes, tile_rows<V, Rows, Vectors>,
                                                        requires { V::kOneInstruction; }};

}  // namespace gradsift::generic
