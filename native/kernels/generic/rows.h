#pragma once
// Single passes over stored rows, for V = F64 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// How far ahead of its use a row is asked for: several rows read side by side are too many streams for the hardware to
// foresee. A kilobyte and more within long rows; the next rows where they are short.
inline std::size_t prefetch_distance(std::size_t rows, std::size_t length, std::size_t stride) noexcept {
  return length < 512 ? rows * stride : 512;
}

// Rows x Queries sums over a run of columns, one register each, so that every pair has the same bits in every variant;
// Norms: the squares of the rows beside them.
template <class V, std::size_t Rows, std::size_t Queries, bool Norms, class T>
void dots_tile(const Dots<T>& dots, std::size_t row, std::size_t query, std::size_t first) noexcept {
  constexpr std::size_t norms = Norms ? 1 : 0;  // the sum of squares comes first, then the queries
  constexpr std::size_t sums = norms + Queries;
  typename V::Register sum[Rows][sums];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 8
    for (std::size_t q = 0; q < sums; ++q) sum[i][q] = V::zero();
  }
  const T* x = dots.x + row * dots.x_stride + first;
  const double* h = dots.h + query * dots.h_stride + first;
  const std::size_t length = dots.length - first < kDotColumns ? dots.length - first : kDotColumns;
  const std::size_t ahead = prefetch_distance(Rows, dots.length, dots.x_stride);
  const auto add = [&](std::size_t p, auto... mask) {
    typename V::Register factor[sums];
#pragma GCC unroll 8
    for (std::size_t q = norms; q < sums; ++q) factor[q] = V::load(h + (q - norms) * dots.h_stride + p, mask...);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const auto value = V::load(x + i * dots.x_stride + p, mask...);
      __builtin_prefetch(x + i * dots.x_stride + p + ahead);
      if constexpr (Norms) factor[0] = value;
#pragma GCC unroll 8
      for (std::size_t q = 0; q < sums; ++q) sum[i][q] = V::fma(value, factor[q], sum[i][q]);
    }
  };
  std::size_t p = 0;
  for (; p + V::kLanes <= length; p += V::kLanes) add(p);
  if (p < length) add(p, V::mask(length - p));
  // The runs of columns are added in order, whatever else is computed beside them.
  const bool begins = first == 0;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 8
    for (std::size_t q = norms; q < sums; ++q) {
      double* out = dots.out + (query + q - norms) * dots.out_stride + row + i;
      const double beta = begins ? dots.beta : 1.0;
      const double value = dots.alpha * V::sum(sum[i][q]);
      *out = beta == 0 ? value : value + beta * *out;
    }
    if constexpr (Norms) dots.norms[row + i] += V::sum(sum[i][0]);
  }
}

// The first queries of a run of columns, and the norms if they are wanted: the rows come from memory here.
template <class V, std::size_t Rows, std::size_t Queries, class T>
void dots_first(const Dots<T>& dots, std::size_t row, std::size_t first) noexcept {
  if (dots.norms != nullptr) {
    dots_tile<V, Rows, Queries, true>(dots, row, 0, first);
  } else if constexpr (Queries > 0) {
    dots_tile<V, Rows, Queries, false>(dots, row, 0, first);
  }
}

// Four queries at a time after the odd ones, which leave registers for the norms.
template <class V, std::size_t Rows, class T>
void dots_rows(const Dots<T>& dots, std::size_t row) noexcept {
  const std::size_t odd = dots.queries % 4;
  std::size_t first = 0;
  do {
    if (odd == 0) dots_first<V, Rows, 0>(dots, row, first);
    if (odd == 1) dots_first<V, Rows, 1>(dots, row, first);
    if (odd >= 2) dots_first<V, Rows, 2>(dots, row, first);
    if (odd == 3) dots_tile<V, Rows, 1, false>(dots, row, 2, first);
    for (std::size_t query = odd; query < dots.queries; query += 4) {
      dots_tile<V, Rows, 4, false>(dots, row, query, first);
    }
    first += kDotColumns;
  } while (first < dots.length);
}

// Rows: how many are read at a time; Rows * 4 accumulators + 4 of H + 1 of X must fit the registers.
template <class V, std::size_t Rows, class T>
void dots(const Dots<T>& dots) noexcept {
  static_assert(kDotRows % Rows == 0);
  std::size_t row = 0;
  for (; row + Rows <= dots.rows; row += Rows) dots_rows<V, Rows>(dots, row);
  if constexpr (Rows > 2) {
    for (; row + 2 <= dots.rows; row += 2) dots_rows<V, 2>(dots, row);
  }
  for (; row < dots.rows; ++row) dots_rows<V, 1>(dots, row);
}

// Columns [first, first + Vectors * kLanes) of Queries sums; Partial: the last vector has columns missing.
template <class V, std::size_t Queries, std::size_t Vectors, bool Partial, class T>
void weighted_tile(const WeightedRows<T>& rows, std::size_t query, std::size_t first) noexcept {
  constexpr std::size_t last = Vectors - 1;
  const auto mask = V::mask(Partial ? rows.length - first - last * V::kLanes : V::kLanes);
  typename V::Register sum[Queries][Vectors];
#pragma GCC unroll 4
  for (std::size_t q = 0; q < Queries; ++q) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < Vectors; ++v) sum[q][v] = V::zero();
  }
  const T* x = rows.x + first;
  const double* weights = rows.weights + query * rows.w_stride;
  for (std::size_t i = 0; i < rows.rows; ++i, x += rows.x_stride) {
    typename V::Register weight[Queries];
#pragma GCC unroll 4
    for (std::size_t q = 0; q < Queries; ++q) weight[q] = V::all(weights[q * rows.w_stride + i]);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < Vectors; ++v) {
      const auto value = Partial && v == last ? V::load(x + v * V::kLanes, mask) : V::load(x + v * V::kLanes);
      __builtin_prefetch(x + (Vectors + v) * V::kLanes);  // the next columns of this row, for the next tile
#pragma GCC unroll 4
      for (std::size_t q = 0; q < Queries; ++q) sum[q][v] = V::fma(weight[q], value, sum[q][v]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t q = 0; q < Queries; ++q) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < Vectors; ++v) {
      double* out = rows.out + (query + q) * rows.out_stride + first + v * V::kLanes;
      if (Partial && v == last)
        V::store(out, V::add(V::load(out, mask), sum[q][v]), mask);
      else
        V::store(out, V::add(V::load(out), sum[q][v]));
    }
  }
}

// Columns from `first` on, Vectors registers at a time, then with half as many what is left.
template <class V, std::size_t Queries, std::size_t Vectors, class T>
void weighted_queries(const WeightedRows<T>& rows, std::size_t query, std::size_t first = 0) noexcept {
  for (; first + Vectors * V::kLanes <= rows.length; first += Vectors * V::kLanes) {
    weighted_tile<V, Queries, Vectors, false>(rows, query, first);
  }
  if constexpr (Vectors > 1) {
    weighted_queries<V, Queries, Vectors / 2>(rows, query, first);
  } else {
    if (first < rows.length) weighted_tile<V, Queries, 1, true>(rows, query, first);
  }
}

// Vectors: registers of columns that two queries sum at a time; 2 * Vectors + 2 + 1 must fit the registers.
template <class V, std::size_t Vectors, class T>
void weighted_rows(const WeightedRows<T>& rows) noexcept {
  std::size_t query = 0;
  for (; query + 4 <= rows.queries; query += 4) weighted_queries<V, 4, Vectors / 2>(rows, query);
  if (query + 2 <= rows.queries) {
    weighted_queries<V, 2, Vectors>(rows, query);
    query += 2;
  }
  if (query < rows.queries) weighted_queries<V, 1, 2 * Vectors>(rows, query);
}

template <class V, class T>
double sum_squares(const T* x, std::size_t count) noexcept {
  constexpr std::size_t parts = 4;  // sums in flight: one alone would wait for its own latency
  typename V::Register sum[parts];
#pragma GCC unroll 4
  for (std::size_t part = 0; part < parts; ++part) sum[part] = V::zero();
  std::size_t i = 0;
  for (; i + parts * V::kLanes <= count; i += parts * V::kLanes) {
#pragma GCC unroll 4
    for (std::size_t part = 0; part < parts; ++part) {
      const auto value = V::load(x + i + part * V::kLanes);
      sum[part] = V::fma(value, value, sum[part]);
    }
  }
  for (; i < count; i += V::kLanes) {
    const auto value = V::load(x + i, V::mask(count - i < V::kLanes ? count - i : V::kLanes));
    sum[0] = V::fma(value, value, sum[0]);
  }
  return V::sum(V::add(V::add(sum[0], sum[1]), V::add(sum[2], sum[3])));
}

}  // namespace gradsift::generic
