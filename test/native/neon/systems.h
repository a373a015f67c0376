#pragma once
// Kernels that factor and solve. Their matrices have n on the diagonal and at most 1/2 beside it, so that their
// eigenvalues lie in [n/2, 3n/2] (Gershgorin) and the condition number of A is at most 3, that of L at most sqrt(3).

#include "native/kernels/table.h"
#include "test/native/neon/values.h"

namespace gradsift::check {

// Element (i, j) of system `lane`.
template <class T>
T element(std::size_t n, std::size_t lane, std::size_t i, std::size_t j) noexcept {
  if (i == j) return static_cast<T>(n);
  const std::size_t low = i < j ? i : j, high = i < j ? j : i;
  return (static_cast<T>(random_bits(lane, high * n + low)) / 32768 - 1) / 2;
}

// How far two Cholesky factors, or their inverses, may lie apart, as a share of their 2-norm: the factor of A is that
// of A + E, |E| <= (n + 2) u |L||L'| (Higham, theorem 10.3; 2 for the square root and the reciprocal), hence |E|_F <=
// (n + 2) u trace(A) <= n (n + 2) u |A|, which moves L by cond(A) / sqrt(2) |E|_F / |A| of its size and the inverse by
// sqrt(3) more; substitution of I adds sqrt(3) n (n + 2) u. Together 5.5 n (n + 2) u, twice, for two of them.
template <class T>
double factor_bound(std::size_t n) noexcept {
  return 11 * static_cast<double>(n * (n + 2)) * kUnitRoundoff<T>;
}

template <class T>
using CholeskyBlockKernel = std::size_t (*)(const CholeskyBlock<T>&) noexcept;

template <class T>
void check(CholeskyBlockKernel<T> kernel, CholeskyBlockKernel<T> oracle) noexcept {
  const auto check = [&](std::size_t n, std::size_t negative) {
    const std::size_t stride = n + 1;
    Values<T> a = filled(n == 0 ? 0 : n * stride - 1, T{0});
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) a[i * stride + j] = element<T>(n, 1, i, j);
    }
    if (negative < n) a[negative * stride + negative] = -1;
    Values<T> actual = filled(n * kCholeskyBlock + 1, T{7}), expected = filled(n * kCholeskyBlock + 1, T{7});
    const CholeskyBlock<T> block{n, a.data(), stride, T{0}, actual.data()};
    expect(kernel(block) == oracle({n, a.data(), stride, T{0}, expected.data()}), "pivots of a block", n, negative);
    if (negative < n) return;
    // The inverse of L has a norm of at most 1 / sqrt(n / 2).
    const Values<T> norm = filled(actual.size(), static_cast<T>(std::sqrt(2.0 / static_cast<double>(n == 0 ? 1 : n))));
    expect(near(actual, expected, norm, factor_bound<T>(n)), "inverse of a block", n);
  };
  for (std::size_t n = 0; n <= kCholeskyBlock; n += n < 12 ? 1 : 13) {
    check(n, n);
    check(n, n / 2);
  }
}

template <class T>
Values<T> factor(const LaneKernel<T>& kernel, std::size_t n, const Values<T>& a, T damping,
                 Values<T>& pivots) noexcept {
  Values<T> lower = filled(a.size(), T{0});
  kernel.factor({n, damping, a.data(), lower.data(), pivots.data()});
  return lower;
}

template <class T>
void check_solve(const LaneKernel<T>& kernel, const LaneKernel<T>& oracle, std::size_t n,
                 const Values<T>& lower) noexcept {
  for (std::size_t rhs = 0; rhs < 10; ++rhs) {
    for (std::size_t first = 0; first <= n; first += 4) {
      const auto run = [&](const LaneKernel<T>& k) {
        Values<T> x = random<T>(3, rhs * n * k.lanes);
        k.solve({n, rhs, first, lower.data(), x.data()});
        return x;
      };
      // Each of two substitutions solves with L + F, |F| <= (n + 2) u |L| (Higham, theorem 8.5), |F| <= (n + 2) u
      // sqrt(n) in norm: 2 sqrt(3) (n + 2) sqrt(n) u, of a solution of norm sqrt(n) / (n / 2); the bound takes 4.
      const double size = static_cast<double>(n), share = 2 * 4 * (size + 2) * std::sqrt(size) * kUnitRoundoff<T>;
      const Values<T> norm = filled(rhs * n * kernel.lanes, static_cast<T>(2 / std::sqrt(size)));
      expect(near(run(kernel), run(oracle), norm, share), "lanes: solve", n, rhs, first);
    }
  }
}

template <class T>
void check_remainder(const LaneKernel<T>& kernel, const LaneKernel<T>& oracle, std::size_t n, std::size_t rhs,
                     bool identity) noexcept {
  struct Result {
    Values<T> remainder;
    Values<double> squares;
  };
  const auto run = [&](const LaneKernel<T>& k, bool absolute) {
    const Values<T> a = random<T>(4, n * n * k.lanes, absolute), v = random<T>(5, rhs * n * k.lanes, absolute);
    const Values<T> h = random<T>(6, rhs * n * k.lanes, absolute);
    if (absolute) {
      for (std::size_t i = 0; i < h.size(); ++i) h[i] = -h[i];
    }
    Result result{Values<T>(h.size()), Values<double>(k.lanes)};
    k.remainder({n, rhs, 0.25, a.data(), identity ? nullptr : v.data(), h.data(), result.remainder.data(),
                 result.squares.data()});
    return result;
  };
  const Result actual = run(kernel, false), expected = run(oracle, false), size = run(oracle, true);
  // Sums of n + 3 terms in float64, rounded to T; their squares double the error, and are summed in turn.
  const double unit = kUnitRoundoff<double>;
  const double sums = 2 * static_cast<double>(n + 4) * unit, additions = 2 * static_cast<double>(rhs * n + 2) * unit;
  expect(near(actual.remainder, expected.remainder, size.remainder, sums + 3 * kUnitRoundoff<T>), "lanes: remainder", n,
         rhs);
  expect(near(actual.squares, expected.squares, size.squares, 3 * sums + additions), "lanes: its squares", n, rhs);
}

template <class T>
void check_squares(const LaneKernel<T>& kernel, const LaneKernel<T>& oracle) noexcept {
  for (std::size_t count = 0; count < 12; ++count) {
    const Values<T> x = random<T>(7, count * kernel.lanes);
    Values<double> actual(kernel.lanes), expected(kernel.lanes);
    kernel.squares(x.data(), count, actual.data());
    oracle.squares(x.data(), count, expected.data());
    const double share = 2 * static_cast<double>(count + 2) * kUnitRoundoff<double>;
    expect(near(actual, expected, expected, share), "lanes: squares", count);
  }
}

template <class T>
void check(const LaneKernel<T>* kernel, const LaneKernel<T>* oracle) noexcept {
  const std::size_t lanes = kernel->lanes;
  expect(lanes == oracle->lanes && lanes <= kMaxLanes, "lanes", lanes);
  if (lanes != oracle->lanes) return;
  for (std::size_t n = 1; n < 20; ++n) {
    for (const bool broken : {false, true}) {
      Values<T> a(n * n * lanes), actual_pivots = filled(n * lanes, T{0}), pivots = filled(n * lanes, T{0});
      for (std::size_t i = 0; i < n * n * lanes; ++i) a[i] = element<T>(n, i % lanes, i / lanes / n, i / lanes % n);
      if (broken) a[n / 2 * (n + 1) * lanes + 1] = -1;  // the second system alone
      const Values<T> actual = factor(*kernel, n, a, T{0.25}, actual_pivots);
      const Values<T> lower = factor(*oracle, n, a, T{0.25}, pivots);
      // L has a norm of at most sqrt(3 n / 2 + 1/4), its pivots twice its error times that.
      const double norm = std::sqrt(1.5 * static_cast<double>(n) + 0.25);
      const double share = factor_bound<T>(n);
      expect(near(actual, lower, filled(a.size(), static_cast<T>(norm)), share), "lanes: factor", n, broken);
      expect(near(actual_pivots, pivots, filled(pivots.size(), static_cast<T>(2 * norm * norm)), share),
             "lanes: pivots", n, broken);
      if (!broken) check_solve(*kernel, *oracle, n, lower);
    }
    check_remainder(*kernel, *oracle, n, n % 6, false);
    check_remainder(*kernel, *oracle, n, n, true);
  }
  check_squares(*kernel, *oracle);
}

}  // namespace gradsift::check
