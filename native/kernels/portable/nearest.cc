#include <bit>

#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

// To nearest, ties to even: half of what is cut off, and one more if the last bit kept is odd, less one. The exponent
// takes what is carried; a NaN may become anything, but shows in the sums of squares.
std::uint32_t round_bf16(float x) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
  return (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
}

}  // namespace

void best_of(const BestOf& of, BestScore& best) noexcept {
  for (std::size_t j = 0; j < of.count; ++j) {
    const float score = of.products[j] - of.halves[j];
    if (score > best.score) best = {score, static_cast<std::uint32_t>(of.first + j)};
  }
}

void ordered_dots(const OrderedDots& dots) noexcept {
  for (std::size_t i = 0; i < dots.count; ++i) {
    float sum = 0;
    for (std::size_t p = 0; p < dots.length; ++p) sum += dots.a[i][p] * dots.b[i][p];
    dots.out[i] = sum;
  }
}

Narrowed narrow_bf16(const float* x, std::size_t count, float* pairs) noexcept {
  Narrowed sums{0, 0};
  const auto round = [&](std::size_t i) {
    if (i == count) return 0u;
    const std::uint32_t bits = round_bf16(x[i]);
    const float lost = x[i] - std::bit_cast<float>(bits);
    sums.squares += x[i] * x[i];
    sums.lost += lost * lost;
    return bits;
  };
  for (std::size_t i = 0; i < count; i += 2) {
    const std::uint32_t low = round(i) >> 16;
    pairs[i / 2] = std::bit_cast<float>(low | round(i + 1));
  }
  return sums;
}

float highest_floor(const ScoreBounds& bounds, float floor) noexcept {
  for (std::size_t j = 0; j < bounds.count; ++j) {
    const float lower = bounds.products[j] - bounds.below[j] - bounds.scale * bounds.slack[j];
    if (lower > floor) floor = lower;
  }
  return floor;
}

std::size_t within_reach(const ScoreBounds& bounds, float floor, std::uint32_t* found) noexcept {
  std::size_t count = 0;
  for (std::size_t j = 0; j < bounds.count; ++j) {
    const float upper = bounds.products[j] - bounds.above[j] + bounds.scale * bounds.slack[j];
    if (!(upper < floor)) found[count++] = static_cast<std::uint32_t>(j);
  }
  return count;
}

}  // namespace gradsift::portable
