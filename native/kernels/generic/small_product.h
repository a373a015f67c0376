#pragma once
// Products of small matrices, read where they lie, for every V of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// Memory to ask for while a tile is computed: `stride` bytes further on for each step of the depth. The hardware does
// not foresee streams as short as the rows of a small matrix, and questions asked all at once would fill its queue.
struct Ahead {
  const char* from;
  std::size_t stride;
};
inline constexpr std::size_t kLine = 64;

// Rows x Vectors accumulators over the whole depth, as in tile.h but with A read in place: its values are spread one by
// one from memory, through one pointer for four rows, whose offsets an x86 address takes without further arithmetic.
// Partial: the last vector has columns missing. All variants sum in order of p: their bits are those of tile.h.
template <class V, std::size_t Rows, std::size_t Vectors, bool Partial>
[[gnu::always_inline]] inline void small_tile(const SmallProduct<typename V::Value>& product,
                                              const typename V::Value* a, const typename V::Value* b,
                                              typename V::Value* c, typename V::Mask mask, Ahead ahead) noexcept {
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
    if constexpr (Vectors > 1) {  // with one every load counts
#pragma GCC unroll 4
      for (std::size_t v = 0; v < Vectors; ++v) __builtin_prefetch(ahead.from + v * kLine, 0, 3);
      ahead.from += ahead.stride;
    }
  }
  const std::size_t c_stride = product.c_stride;
  if (product.alpha == 1 && product.beta == 0) {  // apart: nothing but stores
#pragma GCC unroll 16
    for (std::size_t i = 0; i < Rows; ++i, c += c_stride) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < last; ++v) V::store(c + v * V::kLanes, sum[i][v]);
      T* place = c + last * V::kLanes;
      Partial ? V::store(place, sum[i][last], mask) : V::store(place, sum[i][last]);
    }
    return;
  }
  const bool reads = product.beta != 0;
  const Register alpha = V::all(product.alpha);
  const Register beta = V::all(product.beta);
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Rows; ++i, c += c_stride) {
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

// `tiles` tiles of Rows rows, one under the other, in each of `items` items, of as many columns as Vectors registers
// hold or a few less. ahead.from null: each item asks for the next.
template <class T>
using SmallTiles = void (*)(const SmallProduct<T>& product, std::size_t items, std::size_t tiles, std::size_t columns,
                            const T* a, const T* b, T* c, Ahead ahead) noexcept;

template <class V, std::size_t Rows, std::size_t Vectors, bool Partial>
void small_tiles(const SmallProduct<typename V::Value>& problem, std::size_t items, std::size_t tiles,
                 std::size_t columns, const typename V::Value* a, const typename V::Value* b, typename V::Value* c,
                 Ahead ahead) noexcept {
  const SmallProduct<typename V::Value> product = problem;  // no store to C can change this copy
  const auto mask = V::mask(columns - (Vectors - 1) * V::kLanes);
  const std::size_t a_item = product.a_batch_stride, b_item = product.b_batch_stride, c_item = product.c_batch_stride;
  if (Vectors == 1 && tiles == 1) {  // so short that an inner loop shows
    for (; items > 0; --items, a += a_item, b += b_item, c += c_item) {
      small_tile<V, Rows, Vectors, Partial>(product, a, b, c, mask, ahead);
    }
    return;
  }
  const bool asks = ahead.from == nullptr;
  for (; items > 0; --items, a += a_item, b += b_item, c += c_item) {
    const auto* row = a;
    auto* out = c;
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      if (asks) {  // the next item: B by the first tile, then A, then C
        ahead = {reinterpret_cast<const char*>(tile == 0   ? b + b_item
                                               : tile == 1 ? a + a_item
                                                           : static_cast<const typename V::Value*>(c + c_item)),
                 tile == 0 ? product.b_stride * sizeof(*b) : Vectors * kLine};
      }
      small_tile<V, Rows, Vectors, Partial>(product, row, b, out, mask, ahead);
      row += Rows * product.a_row_stride;
      out += Rows * product.c_stride;
    }
  }
}

// With one vector of columns more than 16 rows gain nothing: every multiply-add then has a load of its own.
constexpr std::size_t small_rows(std::size_t registers, std::size_t vectors) noexcept {
  return registers / vectors > 16 ? 16 : registers / vectors;
}

template <class V, std::size_t Vectors, std::size_t... Rows>
SmallTiles<typename V::Value> small_tiles_of(std::size_t rows, bool partial, std::index_sequence<Rows...>) noexcept {
  static constexpr SmallTiles<typename V::Value> of[][2] = {
      {small_tiles<V, Rows + 1, Vectors, false>, small_tiles<V, Rows + 1, Vectors, true>}...};
  return of[rows - 1][partial];
}

template <class V, std::size_t Registers, std::size_t Vectors>
SmallTiles<typename V::Value> small_tiles_of(std::size_t rows, std::size_t columns) noexcept {
  if constexpr (Vectors > 1) {
    if (columns <= (Vectors - 1) * V::kLanes) return small_tiles_of<V, Registers, Vectors - 1>(rows, columns);
  }
  return small_tiles_of<V, Vectors>(rows, columns != Vectors * V::kLanes,
                                    std::make_index_sequence<small_rows(Registers, Vectors)>());
}

// Items of fewer bytes are over too soon: asking for them costs more than it saves. Those of kSplitItem bytes take so
// long that a call for each tile does not show. And a single item has no next.
inline constexpr std::size_t kAskedItem = 8192, kSplitItem = 16384;
// B that stays in a first-level cache while all rows of A pass by.
inline constexpr std::size_t kNearB = 40960;

// One product after the other, in tiles of equal width, and of equal height but for one row.
template <class V, std::size_t Registers, std::size_t Vectors>
class SmallItems {
  using T = typename V::Value;

 public:
  explicit SmallItems(const SmallProduct<T>& product) noexcept : p_(product) {
    const std::size_t all = (p_.n + V::kLanes - 1) / V::kLanes;
    parts_ = (all + Vectors - 1) / Vectors;
    vectors_ = (all + parts_ - 1) / parts_;
    width_ = parts_ == 1 ? p_.n : vectors_ * V::kLanes;
    last_width_ = p_.n - (parts_ - 1) * width_;
    const std::size_t most = small_rows(Registers, vectors_);
    tiles_ = (p_.m + most - 1) / most;
    if (p_.m % tiles_ != 0 && p_.m % (tiles_ + 1) == 0) ++tiles_;  // all equal: one call for many
    rows_ = (p_.m + tiles_ - 1) / tiles_;
    high_ = p_.m - tiles_ * (rows_ - 1);
    for (std::size_t low = 0; low < (high_ < tiles_ ? 2 : 1); ++low) {
      run_[low][0] = small_tiles_of<V, Registers, Vectors>(rows_ - low, width_);
      run_[low][1] = small_tiles_of<V, Registers, Vectors>(rows_ - low, last_width_);
    }
  }

  void run() noexcept {
    const std::size_t bytes = (p_.m * p_.k + p_.k * p_.n + p_.m * p_.n) * sizeof(T);
    const bool split = p_.batch > 1 && bytes >= kSplitItem;
    if (parts_ == 1 && high_ == tiles_ && (tiles_ == 1 || !split)) {
      const Ahead ahead = p_.batch > 1 && bytes >= kAskedItem ? Ahead{nullptr, 0} : nothing(p_.b);
      return run_[0][1](p_, p_.batch, tiles_, width_, p_.a, p_.b, p_.c, ahead);
    }
    for (std::size_t item = 0; item < p_.batch; ++item) {
      const T* a = p_.a + item * p_.a_batch_stride;
      const T* b = p_.b + item * p_.b_batch_stride;
      T* c = p_.c + item * p_.c_batch_stride;
      if (!split) {
        for (std::size_t part = 0; part < parts_; ++part) {
          tiles(0, high_, part, a, b, c, nothing(b));
          if (high_ < tiles_) tiles(high_, tiles_, part, a, b, c, nothing(b));
        }
      } else if (parts_ == 1 || p_.k * p_.n * sizeof(T) <= kNearB) {
        by_rows(a, b, c);
      } else {
        by_columns(a, b, c);
      }
    }
  }

 private:
  // The matrices of the next item, one after the other, in the shares that tiles ask for.
  class Stream {
   public:
    Stream(const SmallProduct<T>& p, const T* a, const T* b, const T* c, bool with_b) noexcept
        : from_{bytes_at(a + p.a_batch_stride), bytes_at(b + p.b_batch_stride), bytes_at(c + p.c_batch_stride)},
          bytes_{p.m * p.k * sizeof(T), with_b ? p.k * p.n * sizeof(T) : 0, p.m * p.n * sizeof(T)} {}

    Ahead take(std::size_t stride, std::size_t steps) noexcept {
      while (matrix_ < 3 && at_ >= bytes_[matrix_]) ++matrix_, at_ = 0;
      if (matrix_ == 3) return {from_[0], 0};
      const Ahead ahead{from_[matrix_] + at_, stride};
      at_ += stride * steps;
      return ahead;
    }

   private:
    const char* from_[3];
    std::size_t bytes_[3], matrix_ = 0, at_ = 0;
  };

  static const char* bytes_at(const T* place) noexcept { return reinterpret_cast<const char*>(place); }
  static Ahead nothing(const T* near) noexcept { return {bytes_at(near), 0}; }

  void by_rows(const T* a, const T* b, T* c) noexcept {
    Stream stream(p_, a, b, c, true);
    for (std::size_t tile = 0; tile < tiles_; ++tile) {
      for (std::size_t part = 0; part < parts_; ++part) {
        tiles(tile, tile + 1, part, a, b, c, stream.take(vectors_ * kLine, p_.k));
      }
    }
  }

  // The first tile of a part asks for the columns of the next.
  void by_columns(const T* a, const T* b, T* c) noexcept {
    Stream stream(p_, a, b, c, false);
    for (std::size_t part = 0; part < parts_; ++part) {
      const T* next = part + 1 < parts_ ? b + (part + 1) * width_ : b + p_.b_batch_stride;
      tiles(0, 1, part, a, b, c, {bytes_at(next), p_.b_stride * sizeof(T)});
      for (std::size_t tile = 1; tile < tiles_; ++tile) {
        tiles(tile, tile + 1, part, a, b, c, stream.take(vectors_ * kLine, p_.k));
      }
    }
  }

  // Tiles [first, end), all high or all low, of one part of the columns.
  void tiles(std::size_t first, std::size_t end, std::size_t part, const T* a, const T* b, T* c, Ahead ahead) noexcept {
    const bool low = first >= high_, last = part + 1 == parts_;
    const std::size_t row = first * rows_ - (low ? first - high_ : 0), column = part * width_;
    run_[low][last](p_, 1, end - first, last ? last_width_ : width_, a + row * p_.a_row_stride, b + column,
                    c + row * p_.c_stride + column, ahead);
  }

  const SmallProduct<T>& p_;
  std::size_t parts_, vectors_, width_, last_width_;  // of the columns
  std::size_t tiles_, rows_, high_;                   // of the rows: `high_` tiles of rows_, the others one row less
  SmallTiles<T> run_[2][2] = {};                      // [low][last part]
};

// Vectors: the most registers of columns at a time. Half: V, or registers of half the width for few columns.
template <class V, class Half, std::size_t Registers, std::size_t Vectors>
void small_product(const SmallProduct<typename V::Value>& product) noexcept {
  if (product.m == 0 || product.n == 0) return;
  if (product.n <= Half::kLanes) return SmallItems<Half, Registers, 1>(product).run();
  SmallItems<V, Registers, Vectors>(product).run();
}

}  // namespace gradsift::generic
