#pragma once
// Products of small matrices, read where they lie, for every V of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// Rows x Vectors accumulators over the whole depth, as in tile.h but with A read in place: its values are spread one by
// one from memory, through one pointer for four rows, whose offsets an x86 address takes without further arithmetic.
// Partial: the last vector has columns missing. All variants sum in order of p: their bits are those of tile.h.
template <class V, std::size_t Rows, std::size_t Vectors, bool Partial>
[[gnu::always_inline]] inline void small_tile(const SmallProduct<typename V::Value>& product,
                                              const typename V::Value* a, const typename V::Value* b,
                                              typename V::Value* c, typename V::Mask mask) noexcept {
  using T = typename V::Value;
  using Register = typename V::Register;
  constexpr std::size_t last = Vectors - 1, four = 4, pointers = (Rows + four - 1) / four;
  const std::size_t row_stride = product.a_row_stride, depth_stride = product.a_depth_stride;
  const std::size_t b_stride = product.b_stride;
  const T* line[pointers];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < pointers; ++i) line[i] = a + four * i * row_stride;
  Register sum[Rows][Vectors];
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) sum[i][v] = V::zero();
  }
  for (std::size_t p = product.k; p > 0; --p, b += b_stride) {
    Register columns[Vectors];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < last; ++v) columns[v] = V::load(b + v * V::kLanes);
    columns[last] = Partial ? V::load(b + last * V::kLanes, mask) : V::load(b + last * V::kLanes);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Rows; ++i) {
      const Register row = V::all(line[i / four][i % four * row_stride]);
#pragma GCC unroll 4
      for (std::size_t v = 0; v < Vectors; ++v) sum[i][v] = V::fma(row, columns[v], sum[i][v]);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < pointers; ++i) line[i] += depth_stride;
  }
  const bool plain = product.alpha == 1 && product.beta == 0, reads = product.beta != 0;
  const Register alpha = V::all(product.alpha);
  const Register beta = V::all(product.beta);
  const std::size_t c_stride = product.c_stride;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Rows; ++i, c += c_stride) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < Vectors; ++v) {
      T* place = c + v * V::kLanes;
      const bool masked = Partial && v == last;
      Register value = sum[i][v];
      if (!plain) value = V::mul(alpha, value);
      if (reads) value = V::fma(beta, masked ? V::load(place, mask) : V::load(place), value);
      masked ? V::store(place, value, mask) : V::store(place, value);
    }
  }
}

// Items of fewer bytes are over too soon: asking for them would cost more than it saves.
inline constexpr std::size_t kPrefetchedItem = 16384;

template <int Write, class T>
[[gnu::always_inline]] inline void ask_for(const T* rows, std::size_t count, std::size_t stride,
                                           std::size_t columns) noexcept {
  for (std::size_t i = 0; i < count; ++i, rows += stride) {
    for (std::size_t j = 0; j < columns; j += 64 / sizeof(T)) __builtin_prefetch(rows + j, Write, 3);
  }
}

// Asks for the next rows of A, and for what lies in the next item where this tile has been: its rows of C and a share
// of B. Memory is then read while this item is computed; the hardware does not foresee streams as short as the rows of
// a small matrix. (Inlined, since compilers take a function that only prefetches for one that does nothing.)
template <class T>
[[gnu::always_inline]] inline void ask_ahead(const SmallProduct<T>& product, std::size_t row, std::size_t rows,
                                             std::size_t columns, const T* a, const T* b, const T* c) noexcept {
  if (product.a_depth_stride == 1) ask_for<0>(a + rows * product.a_row_stride, rows, product.a_row_stride, product.k);
  ask_for<1>(c + product.c_batch_stride, rows, product.c_stride, columns);
  const std::size_t first = row * product.k / product.m, last = (row + rows) * product.k / product.m;
  ask_for<0>(b + product.b_batch_stride + first * product.b_stride, last - first, product.b_stride, columns);
}

constexpr std::size_t fewer_rows(std::size_t rows) noexcept {
  return rows > 12 ? 12 : rows > 8 ? 8 : rows > 4 ? 4 : rows / 2;
}

// Tiles of Rows rows while there are as many, then fewer for the rest.
template <class V, std::size_t Rows, std::size_t Vectors, bool Partial>
[[gnu::always_inline]] inline void small_rows(const SmallProduct<typename V::Value>& product, bool ahead,
                                              std::size_t row, const typename V::Value* a, const typename V::Value* b,
                                              typename V::Value* c, typename V::Mask mask) noexcept {
  for (; row + Rows <= product.m; row += Rows, a += Rows * product.a_row_stride, c += Rows * product.c_stride) {
    if (Vectors > 1 && ahead) ask_ahead(product, row, Rows, Vectors * V::kLanes, a, b, c);
    small_tile<V, Rows, Vectors, Partial>(product, a, b, c, mask);
  }
  if constexpr (Rows > 1) {
    if (row < product.m) small_rows<V, fewer_rows(Rows), Vectors, Partial>(product, ahead, row, a, b, c, mask);
  }
}

// `items` items from `item` on; of their columns, `columns` from `first` on, which Vectors registers hold. Whole: each
// item is one tile. So small an item feels every question that is asked of it.
template <class V, std::size_t Rows, std::size_t Vectors, bool Partial, bool Whole>
void small_items(const SmallProduct<typename V::Value>& problem, std::size_t item, std::size_t items, std::size_t first,
                 std::size_t columns) noexcept {
  const SmallProduct<typename V::Value> product = problem;  // no store to C can change this copy
  const auto mask = V::mask(columns - (Vectors - 1) * V::kLanes);
  const std::size_t size = (product.m + product.n) * product.k + product.m * product.n;
  const bool ahead = size * sizeof(typename V::Value) >= kPrefetchedItem;
  const auto* a = product.a + item * product.a_batch_stride;
  const auto* b = product.b + item * product.b_batch_stride + first;
  auto* c = product.c + item * product.c_batch_stride + first;
  for (; items > 0; --items) {
    if constexpr (Whole)
      small_tile<V, Rows, Vectors, Partial>(product, a, b, c, mask);
    else
      small_rows<V, Rows, Vectors, Partial>(product, ahead, 0, a, b, c, mask);
    a += product.a_batch_stride;
    b += product.b_batch_stride;
    c += product.c_batch_stride;
  }
}

// One vector of columns, and m is Rows or one of the fewer.
template <class V, std::size_t Rows, bool Partial>
void small_whole(const SmallProduct<typename V::Value>& product, std::size_t items, std::size_t columns) noexcept {
  if (product.m == Rows) return small_items<V, Rows, 1, Partial, true>(product, 0, items, 0, columns);
  if constexpr (Rows > 4) small_whole<V, fewer_rows(Rows), Partial>(product, items, columns);
}

// Registers: accumulators that fit beside a row of B and a value of A. With one vector of columns more than 16 rows
// gain nothing: every multiply-add then has a load of its own.
template <class V, std::size_t Registers, std::size_t Vectors>
void small_columns(const SmallProduct<typename V::Value>& product, std::size_t item, std::size_t items,
                   std::size_t first, std::size_t columns) noexcept {
  constexpr std::size_t rows = Registers / Vectors > 16 ? 16 : Registers / Vectors;
  if constexpr (Vectors > 1) {
    if (columns <= (Vectors - 1) * V::kLanes) {
      return small_columns<V, Registers, Vectors - 1>(product, item, items, first, columns);
    }
  }
  columns == Vectors* V::kLanes ? small_items<V, rows, Vectors, false, false>(product, item, items, first, columns)
                                : small_items<V, rows, Vectors, true, false>(product, item, items, first, columns);
}

// All items, of one vector of columns.
template <class V, std::size_t Registers>
void small_column(const SmallProduct<typename V::Value>& product) noexcept {
  constexpr std::size_t rows = Registers > 16 ? 16 : Registers;
  const std::size_t n = product.n, m = product.m;
  if (m == rows || m == 12 || m == 8 || m == 4) {
    return n == V::kLanes ? small_whole<V, rows, false>(product, product.batch, n)
                          : small_whole<V, rows, true>(product, product.batch, n);
  }
  small_columns<V, Registers, 1>(product, 0, product.batch, 0, n);
}

// Vectors: the most registers of columns at a time. Half: V, or registers of half the width for few columns.
template <class V, class Half, std::size_t Registers, std::size_t Vectors>
void small_product(const SmallProduct<typename V::Value>& product) noexcept {
  const std::size_t n = product.n;
  if (n == 0) return;
  if (n <= Half::kLanes) return small_column<Half, Registers>(product);
  if (n <= V::kLanes) return small_column<V, Registers>(product);
  const std::size_t vectors = (n + V::kLanes - 1) / V::kLanes;
  if (vectors <= Vectors) return small_columns<V, Registers, Vectors>(product, 0, product.batch, 0, n);
  // Equal parts of the columns, an item at a time, so that A is still near when the next part wants it. The tile of
  // fewer columns and more rows where its rows fit m.
  const std::size_t most = product.m % (Registers / (Vectors - 1)) == 0 ? Vectors - 1 : Vectors;
  const std::size_t parts = (vectors + most - 1) / most;
  const std::size_t width = (vectors + parts - 1) / parts * V::kLanes;
  for (std::size_t item = 0; item < product.batch; ++item) {
    for (std::size_t first = 0; first < n; first += width) {
      small_columns<V, Registers, Vectors>(product, item, 1, first, n - first < width ? n - first : width);
    }
  }
}

}  // namespace gradsift::generic
