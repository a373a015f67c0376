#pragma once
// The kernels of nearest centroids, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/core/scratch.h"
#include "native/kernels/table.h"

namespace gradsift::generic {

// Each lane keeps its best and the column of it, as a float; several at a time, since a comparison and a choice take
// longer than the next loads.
template <class V>
void best_of(const BestOf& of, BestScore& best) noexcept {
  constexpr std::size_t parts = 4, group = parts * V::kLanes;
  using Register = typename V::Register;
  alignas(kAlignment) float scores[group], columns[group];
  for (std::size_t l = 0; l < group; ++l) columns[l] = static_cast<float>(l);
  Register score[parts], column[parts], here[parts];
#pragma GCC unroll 4
  for (std::size_t part = 0; part < parts; ++part) {
    score[part] = V::all(best.score);
    here[part] = column[part] = V::load(columns + part * V::kLanes);
  }
  const Register step = V::all(static_cast<float>(group));
  const auto take = [&](std::size_t part, Register value) {
    column[part] = V::where_less(score[part], value, here[part], column[part]);
    score[part] = V::where_less(score[part], value, value, score[part]);
    here[part] = V::add(here[part], step);
  };
  std::size_t j = 0;
  for (; j + group <= of.count; j += group) {
#pragma GCC unroll 4
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t at = j + part * V::kLanes;
      take(part, V::sub(V::load(of.products + at), V::load(of.halves + at)));
    }
  }
#pragma GCC unroll 4
  for (std::size_t part = 0; part < parts; ++part) {
    V::store(scores + part * V::kLanes, score[part]);
    V::store(columns + part * V::kLanes, column[part]);
  }
  // Of equal scores the first column, in whichever lane it is; a lane that is not above `before` has found nothing.
  const float before = best.score;
  float first = 0;
  for (std::size_t l = 0; l < group; ++l) {
    if (!(scores[l] > before)) continue;
    if (scores[l] < best.score || (scores[l] == best.score && columns[l] > first)) continue;
    first = columns[l];
    best = {scores[l], static_cast<std::uint32_t>(of.first + static_cast<std::size_t>(first))};
  }
  for (; j < of.count; ++j) {
    const float value = of.products[j] - of.halves[j];
    if (value > best.score) best = {value, static_cast<std::uint32_t>(of.first + j)};
  }
}

// A pair to a lane: squares of kLanes pairs x kLanes depths are transposed in registers.
template <class V>
void ordered_dots(const OrderedDots& dots) noexcept {
  using Register = typename V::Register;
  for (std::size_t first = 0; first < dots.count; first += V::kLanes) {
    const std::size_t count = dots.count - first < V::kLanes ? dots.count - first : V::kLanes;
    const auto pointers = [&](const float* const* lines, const float*(&out)[V::kLanes]) {
      for (std::size_t l = 0; l < V::kLanes; ++l) out[l] = lines[first + (l < count ? l : count - 1)];
    };
    const float *a[V::kLanes], *b[V::kLanes];
    pointers(dots.a, a);
    pointers(dots.b, b);
    Register sum = V::zero();
    const auto add = [&](std::size_t p, std::size_t depth, auto... mask) {
      Register left[V::kLanes], right[V::kLanes];
#pragma GCC unroll 16
      for (std::size_t l = 0; l < V::kLanes; ++l) {
        left[l] = V::load(a[l] + p, mask...);
        right[l] = V::load(b[l] + p, mask...);
      }
      V::transpose(left);
      V::transpose(right);
#pragma GCC unroll 16
      for (std::size_t q = 0; q < V::kLanes; ++q) {
        if (q < depth) sum = V::fma(left[q], right[q], sum);
      }
    };
    std::size_t p = 0;
    for (; p + V::kLanes <= dots.length; p += V::kLanes) add(p, V::kLanes);
    if (p < dots.length) add(p, dots.length - p, V::mask(dots.length - p));
    V::store(dots.out + first, sum, V::mask(count));
  }
}

// pairs[q] holds x[2q] (low) and x[2q + 1] (high) rounded to bfloat16, to nearest, ties to even; zero after the end.
template <class V>
Narrowed narrow_bf16(const float* x, std::size_t count, float* pairs) noexcept {
  constexpr std::size_t group = 2 * V::kLanes;
  auto squares = V::zero(), lost = V::zero();
  const auto round = [&](typename V::Register value) {
    const auto rounded = V::round_bf16(value);
    const auto difference = V::sub(value, rounded);
    squares = V::fma(value, value, squares);
    lost = V::fma(difference, difference, lost);
    return rounded;
  };
  std::size_t i = 0;
  for (; i + group <= count; i += group) {
    const auto low = round(V::load(x + i)), high = round(V::load(x + i + V::kLanes));
    V::store(pairs + i / 2, V::join_bf16(low, high));
  }
  if (i < count) {
    const std::size_t left = count - i, second = left > V::kLanes ? left - V::kLanes : 0;
    const auto low = round(V::load(x + i, V::mask(left - second)));
    const auto high = round(V::load(x + i + V::kLanes, V::mask(second)));
    V::store(pairs + i / 2, V::join_bf16(low, high), V::mask((left + 1) / 2));
  }
  return {V::sum(squares), V::sum(lost)};
}

// The greatest lower bound, or `floor` if that is above all.
template <class V>
float highest_floor(const ScoreBounds& bounds, float floor) noexcept {
  constexpr std::size_t parts = 4, group = parts * V::kLanes;
  const auto scale = V::all(-bounds.scale);
  typename V::Register most[parts];
#pragma GCC unroll 4
  for (std::size_t part = 0; part < parts; ++part) most[part] = V::all(floor);
  const auto take = [&](std::size_t part, std::size_t j, auto... mask) {
    const auto score = V::sub(V::load(bounds.products + j, mask...), V::load(bounds.below + j, mask...));
    const auto lower = V::fma(scale, V::load(bounds.slack + j, mask...), score);
    return V::where_less(most[part], lower, lower, most[part]);  // NaN is above nothing
  };
  std::size_t j = 0;
  for (; j + group <= bounds.count; j += group) {
#pragma GCC unroll 4
    for (std::size_t part = 0; part < parts; ++part) most[part] = take(part, j + part * V::kLanes);
  }
  for (; j + V::kLanes <= bounds.count; j += V::kLanes) most[0] = take(0, j);
  float highest = V::greatest(V::max(V::max(most[0], most[1]), V::max(most[2], most[3])));
  for (; j < bounds.count; ++j) {
    const float lower = bounds.products[j] - bounds.below[j] - bounds.scale * bounds.slack[j];
    if (lower > highest) highest = lower;
  }
  return highest;
}

// The columns whose upper bound is not below `floor` (NaN is not), in order. Returns how many.
template <class V>
std::size_t within_reach(const ScoreBounds& bounds, float floor, std::uint32_t* found) noexcept {
  const auto scale = V::all(bounds.scale), least = V::all(floor);
  std::size_t count = 0, j = 0;
  for (; j + V::kLanes <= bounds.count; j += V::kLanes) {
    const auto score = V::sub(V::load(bounds.products + j), V::load(bounds.above + j));
    const auto upper = V::fma(scale, V::load(bounds.slack + j), score);
    for (unsigned lanes = V::not_below(upper, least); lanes != 0; lanes &= lanes - 1) {
      found[count++] = static_cast<std::uint32_t>(j + static_cast<unsigned>(__builtin_ctz(lanes)));
    }
  }
  for (; j < bounds.count; ++j) {
    const float upper = bounds.products[j] - bounds.above[j] + bounds.scale * bounds.slack[j];
    if (!(upper < floor)) found[count++] = static_cast<std::uint32_t>(j);
  }
  return count;
}

}  // namespace gradsift::generic
