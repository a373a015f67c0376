#pragma once
// The kernels of nearest centroids. Scores and bounds are made of multiples of 2^-15 and a power of two, so that they
// are exact and both sides must find the same.

#include "native/kernels/table.h"
#include "test/native/neon/products.h"
#include "test/native/neon/values.h"

namespace gradsift::check {

constexpr std::size_t kCounts[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 130, 200};

inline void check(void (*kernel)(const BestOf&, BestScore&) noexcept,
                  void (*oracle)(const BestOf&, BestScore&) noexcept) noexcept {
  for (const std::size_t count : kCounts) {
    Values<float> products = random<float>(1, count);
    const Values<float> halves = random<float>(2, count);
    for (std::size_t i = 0; i < count; i += 7) products[i] = std::numeric_limits<float>::quiet_NaN();
    // Random; the same twice in every way that two places of a register may have; what was there is as good, or better.
    for (std::size_t twin = 0; twin <= count; ++twin) {
      if (twin > 0 && count > 1) {
        products[twin - 1] = 3 + halves[twin - 1];
        products[twin * 5 % count] = 3 + halves[twin * 5 % count];
      }
      for (const float before : {-std::numeric_limits<float>::infinity(), 3.0f, 4.0f}) {
        BestScore actual{before, 7}, expected{before, 7};
        kernel({count, products.data(), halves.data(), 1000}, actual);
        oracle({count, products.data(), halves.data(), 1000}, expected);
        expect(actual.score == expected.score && actual.label == expected.label, "best", count, twin);
      }
      if (twin > 0) products[twin - 1] = products[twin * 5 % count] = 0;
    }
  }
}

// Equal to the tile of the same instruction set, bit for bit.
inline void check_ordered_dots(void (*kernel)(const OrderedDots&) noexcept, const TileKernel<float>& tile) noexcept {
  for (const std::size_t length : kCounts) {
    const Values<float> a = random<float>(1, length), b = random<float>(2, length);
    const Values<float> panel = filled(length * tile.rows, 0.0f);
    for (std::size_t p = 0; p < length; ++p) panel[p * tile.rows] = a[p];
    float one = 0;
    tile.run({1, 1, length, panel.data(), tile.rows, b.data(), 1, panel.data(), 1, 0, &one, 1});
    for (std::size_t count = 1; count < 20; ++count) {
      Values<const float*> left = filled<const float*>(count, a.data()), right = filled<const float*>(count, b.data());
      const Values<float> zero = filled(length, 0.0f);
      if (count > 2) left[1] = zero.data();
      Values<float> out(count);
      kernel({count, length, left.data(), right.data(), out.data()});
      bool same = true;
      for (std::size_t i = 0; i < count; ++i) same = same && out[i] == (count > 2 && i == 1 ? 0.0f : one);
      expect(same, "ordered dots", length, count);
    }
  }
}

using NarrowKernel = Narrowed (*)(const float*, std::size_t, float*) noexcept;

inline void check(NarrowKernel kernel, NarrowKernel oracle) noexcept {
  for (const std::size_t count : kCounts) {
    Values<float> x = random<float>(1, count);
    for (std::size_t i = 0; i < count; ++i) x[i] = std::ldexp(x[i] / 3, static_cast<int>(i % 40) - 20);
    Values<float> actual = filled((count + 1) / 2, 7.0f), expected = filled((count + 1) / 2, 7.0f);
    const Narrowed one = kernel(x.data(), count, actual.data()), other = oracle(x.data(), count, expected.data());
    expect(same_bits(actual, expected), "narrow", count);
    const double share = sum_bound<float>(count);
    expect(near(filled(1, one.squares), filled(1, other.squares), filled(1, other.squares), share), "squares", count);
    expect(near(filled(1, one.lost), filled(1, other.lost), filled(1, other.lost), share), "lost", count);
  }
}

template <class Run>
void with_bounds(const Run& run) noexcept {
  for (const std::size_t count : kCounts) {
    Values<float> products = random<float>(1, count);
    for (std::size_t i = 3; i < count; i += 9) products[i] = std::numeric_limits<float>::quiet_NaN();
    const Values<float> below = random<float>(2, count);
    const Values<float> above = random<float>(3, count), slack = random<float>(4, count, true);
    run(ScoreBounds{count, products.data(), below.data(), above.data(), slack.data(), 0.25f});
  }
}

using FloorKernel = float (*)(const ScoreBounds&, float) noexcept;

inline void check(FloorKernel kernel, FloorKernel oracle) noexcept {
  with_bounds([&](const ScoreBounds& bounds) {
    for (const float floor : {-std::numeric_limits<float>::infinity(), 0.5f, 4.0f}) {
      expect(kernel(bounds, floor) == oracle(bounds, floor), "floor", bounds.count);
    }
  });
}

using ReachKernel = std::size_t (*)(const ScoreBounds&, float, std::uint32_t*) noexcept;

inline void check(ReachKernel kernel, ReachKernel oracle) noexcept {
  with_bounds([&](const ScoreBounds& bounds) {
    for (const float floor : {-4.0f, 0.0f, 0.5f, 4.0f}) {
      Values<std::uint32_t> actual = filled(bounds.count, 7u), expected = filled(bounds.count, 7u);
      const std::size_t one = kernel(bounds, floor, actual.data()), other = oracle(bounds, floor, expected.data());
      expect(one == other && same_bits(actual, expected), "reach", bounds.count);
    }
  });
}

}  // namespace gradsift::check
