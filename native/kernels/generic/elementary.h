#pragma once
// Elementary functions, for V = F32 of an ISA's simd.h. Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// exp(x) for x <= 0, within 3 units of 2^-24; 0 below -87.3, where the result would be subnormal; NaN stays NaN.
// x = n log 2 + r with |r| <= log(2) / 2, exp(x) = 2^n exp(r), exp(r) by its series: r^8 / 8! < 2^-27.
template <class V>
typename V::Register exp_negative(typename V::Register x) noexcept {
  constexpr float kLowest = -87.3f;          // exp of it is above 2^-126, the least normal number
  constexpr float kRound = 12582912.0f;      // 1.5 * 2^23: what is added to it loses its fraction
  constexpr float kLogTwoHigh = 0.6931458f;  // the upper 16 bits of log 2: n times it is exact
  constexpr float kLogTwoLow = 1.42860677e-6f;
  const auto bounded = V::max(V::all(kLowest), x);  // in this order a NaN passes
  const auto n = V::sub(V::fma(bounded, V::all(1.44269504f), V::all(kRound)), V::all(kRound));
  const auto r = V::fma(n, V::all(-kLogTwoLow), V::fma(n, V::all(-kLogTwoHigh), bounded));
  auto series = V::all(1.0f / 5040);
  series = V::fma(series, r, V::all(1.0f / 720));
  series = V::fma(series, r, V::all(1.0f / 120));
  series = V::fma(series, r, V::all(1.0f / 24));
  series = V::fma(series, r, V::all(1.0f / 6));
  series = V::fma(series, r, V::all(0.5f));
  series = V::fma(series, r, V::all(1));
  series = V::fma(series, r, V::all(1));
  return V::where_less(x, V::all(kLowest), V::zero(), V::mul(series, V::power_of_two(n)));
}

// The upper tail of the normal distribution, P(X > z) for z >= 0, given exp(-z^2 / 2): their quotient is smooth, a
// polynomial in t = 1 / (1 + 0.26 z) of relative error 2.5e-8 on [0, 14] (our fit, least maximum), after which the
// exponential is 0.
template <class V>
typename V::Register normal_tail(typename V::Register z, typename V::Register exponential) noexcept {
  const auto t = V::div(V::all(1), V::fma(V::all(0.26f), z, V::all(1)));
  auto quotient = V::all(0.0305051584f);
  quotient = V::fma(quotient, t, V::all(-0.1528300307f));
  quotient = V::fma(quotient, t, V::all(0.2514935404f));
  quotient = V::fma(quotient, t, V::all(-0.1509512782f));
  quotient = V::fma(quotient, t, V::all(0.1609492844f));
  quotient = V::fma(quotient, t, V::all(0.0510271415f));
  quotient = V::fma(quotient, t, V::all(0.1030303757f));
  quotient = V::fma(quotient, t, V::all(0.1030167355f));
  quotient = V::fma(quotient, t, V::all(0.1037590606f));
  return V::mul(V::mul(quotient, t), exponential);
}

// body(i) for each whole register of [0, count), then body(i, mask) for what is left.
template <class V, class Body>
void for_each_register(std::size_t count, const Body& body) noexcept {
  std::size_t i = 0;
  for (; i + V::kLanes <= count; i += V::kLanes) body(i);
  if (i < count) body(i, V::mask(count - i));
}

// The sum of term(i, mask...) over them, whose lanes beyond the mask must be zero. Four sums in flight: one alone would
// wait for its own latency.
template <class V, class Term>
float sum_registers(std::size_t count, const Term& term) noexcept {
  typename V::Register sum[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  std::size_t i = 0;
  for (; i + 4 * V::kLanes <= count; i += 4 * V::kLanes) {
#pragma GCC unroll 4
    for (std::size_t part = 0; part < 4; ++part) sum[part] = V::add(sum[part], term(i + part * V::kLanes));
  }
  for (; i + V::kLanes <= count; i += V::kLanes) sum[0] = V::add(sum[0], term(i));
  if (i < count) sum[0] = V::add(sum[0], term(i, V::mask(count - i)));
  return V::sum(V::add(V::add(sum[0], sum[1]), V::add(sum[2], sum[3])));
}

// The largest of count >= 1 values.
template <class V>
float greatest(const float* x, std::size_t count) noexcept {
  if (count < V::kLanes) {
    float most = x[0];
    for (std::size_t i = 1; i < count; ++i) most = x[i] > most ? x[i] : most;
    return most;
  }
  auto most = V::load(x);
  for (std::size_t i = V::kLanes; i + V::kLanes <= count; i += V::kLanes) most = V::max(most, V::load(x + i));
  return V::greatest(V::max(most, V::load(x + count - V::kLanes)));  // some a second time: no matter
}

}  // namespace gradsift::generic
