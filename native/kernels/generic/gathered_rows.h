#pragma once
// Weighted sums of rows from anywhere, for V = F32 of an ISA's simd.h. Include it inside the region.

#include <utility>

#include "native/kernels/table.h"

namespace gradsift::generic {

// Entries ahead of its use that a row is asked for: rows lie anywhere, so nothing foresees them.
inline constexpr std::size_t kGatherAhead = 6;

// The columns that `Vectors` registers hold; Whole: the last register is full.
template <class V, std::size_t Vectors, bool Whole>
void gathered_columns(const GatheredRows& sum, std::size_t first, std::size_t columns) noexcept {
  constexpr std::size_t last = (Vectors - 1) * V::kLanes;
  const auto mask = V::mask(Whole ? 0 : columns - last);
  typename V::Register sums[Vectors];
  const auto clear = [&] {
#pragma GCC unroll 32
    for (std::size_t r = 0; r < Vectors; ++r) sums[r] = V::zero();
  };
  const auto add = [&](std::size_t begin, std::size_t end) {
    for (std::size_t e = begin; e < end; ++e) {
      if (e + kGatherAhead < sum.count && sum.indices[e + kGatherAhead] < sum.limit) {
        const float* next = sum.rows + sum.indices[e + kGatherAhead] * sum.stride + first;
        for (std::size_t j = 0; j < columns; j += 16) __builtin_prefetch(next + j);
      }
      if (sum.indices[e] >= sum.limit) continue;
      const float* row = sum.rows + sum.indices[e] * sum.stride + first;
      const auto value = V::all(sum.values[e]);
#pragma GCC unroll 32
      for (std::size_t r = 0; r + 1 < Vectors; ++r) sums[r] = V::fma(value, V::load(row + r * V::kLanes), sums[r]);
      if constexpr (Whole) {
        sums[Vectors - 1] = V::fma(value, V::load(row + last), sums[Vectors - 1]);
      } else {
        sums[Vectors - 1] = V::fma(value, V::load(row + last, mask), sums[Vectors - 1]);
      }
    }
  };
  const auto put = [&](float* out) {
#pragma GCC unroll 32
    for (std::size_t r = 0; r + 1 < Vectors; ++r) V::store(out + r * V::kLanes, sums[r]);
    if constexpr (Whole) {
      V::store(out + last, sums[Vectors - 1]);
    } else {
      V::store(out + last, sums[Vectors - 1], mask);
    }
  };
  clear();
  if (sum.count <= kGatherRun) {
    add(0, sum.count);
    return put(sum.out + first);
  }
  double total[Vectors * V::kLanes] = {};
  float run[Vectors * V::kLanes];
  for (std::size_t begin = 0; begin < sum.count; begin += kGatherRun) {
    add(begin, sum.count - begin < kGatherRun ? sum.count : begin + kGatherRun);
    put(run);
    clear();
    for (std::size_t j = 0; j < columns; ++j) total[j] += static_cast<double>(run[j]);
  }
  for (std::size_t j = 0; j < columns; ++j) sum.out[first + j] = static_cast<float>(total[j]);
}

// Strips of about as many registers each, at most `Most`.
template <class V, std::size_t Most>
void gathered_rows(const GatheredRows& sum) noexcept {
  using Columns = void (*)(const GatheredRows&, std::size_t, std::size_t) noexcept;
  static constexpr auto kernels = []<std::size_t... R>(std::index_sequence<R...>) {
    struct Pair {
      Columns part, whole;
    };
    struct Table {
      Pair of[Most];
    };
    return Table{{Pair{gathered_columns<V, R + 1, false>, gathered_columns<V, R + 1, true>}...}};
  }(std::make_index_sequence<Most>{});
  const std::size_t registers = (sum.length + V::kLanes - 1) / V::kLanes;
  const std::size_t strips = (registers + Most - 1) / Most;
  for (std::size_t strip = 0; strip < strips; ++strip) {
    const std::size_t begin = strip * registers / strips, end = (strip + 1) * registers / strips;
    const std::size_t first = begin * V::kLanes;
    const std::size_t columns = (end * V::kLanes < sum.length ? end * V::kLanes : sum.length) - first;
    const auto& kernel = kernels.of[end - begin - 1];
    (columns == (end - begin) * V::kLanes ? kernel.whole : kernel.part)(sum, first, columns);
  }
}

}  // namespace gradsift::generic
