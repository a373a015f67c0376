#include "native/linalg/hyperpower_interval.h"

#include <algorithm>
#include <limits>

#include "native/linalg/spectral_bounds.h"

namespace gradsift {

namespace {

// Up to this size the steps that a tighter b saves, at 2 n^3 flops each, cost less than to find it by Lanczos.
constexpr std::size_t kNormsSuffice = 64;

}  // namespace

template <class T>
Status HyperpowerInterval::find(const Execution& execution, std::size_t n, const T* matrix, double damping,
                                double lambda_min, double lambda_max) noexcept {
  const bool lower_known = lambda_min > 0 || damping > 0;
  const unsigned upper = lambda_max > 0 || n <= kNormsSuffice ? 0 : kUpperSteps;
  const unsigned steps = lower_known ? upper : kBothEndsSteps;
  SpectralBounds bounds;
  const Status status = steps == 0 ? norm_bounds(execution, n, matrix, damping, bounds)
                                   : spectral_bounds(execution, n, matrix, damping, steps, bounds);
  if (status != Status::ok) return status;
  guessed = !lower_known;
  order = static_cast<double>(n);
  certain = bounds.certain;
  flops = bounds.flops;
  b = lambda_max > 0 ? lambda_max : bounds.upper;
  a = lambda_min > 0 ? lambda_min : damping;
  const double zero = 4 * order * std::numeric_limits<double>::epsilon() * certain;
  if (!(certain > 0) || (steps != 0 && bounds.ritz_min <= (lower_known ? -zero : zero))) {
    return Status::not_positive_definite;
  }
  if (steps != 0) {
    // All Ritz values are there when n <= kBothEndsSteps; otherwise the least one is well inside as a rule.
    if (!lower_known) a = bounds.ritz_min * (n <= kBothEndsSteps ? 0.9 : 0.25);
    if (bounds.ritz_min > 0) a = std::min(a, bounds.ritz_min);
    b = std::max(b, bounds.ritz_max);
  }
  a = std::min(a, b);
  return Status::ok;
}

Status HyperpowerInterval::widen(bool grew) noexcept {
  if (grew) {
    if (b >= certain) return Status::not_positive_definite;
    b = certain;
    return Status::ok;
  }
  a /= 64;  // three more doublings
  return a > order * roundoff * b ? Status::ok : Status::not_positive_definite;
}

template Status HyperpowerInterval::find(const Execution&, std::size_t, const float*, double, double, double) noexcept;
template Status HyperpowerInterval::find(const Execution&, std::size_t, const double*, double, double, double) noexcept;

}  // namespace gradsift
