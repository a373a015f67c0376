#include "native/linalg/spectral_bounds.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "native/core/buffer.h"
#include "native/kernels/table.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/rows.h"

namespace gradsift {

namespace {

// The largest Ritz value after kUpperSteps misses mu_max by a few per cent; a bound that is 5 % too high costs 0.04
// steps, one that is exact makes the float32 recursion up to 20 times less accurate (hyperpower.md, section 5).
constexpr double kSafety = 1.05;

// Eigenvalues below x of the symmetric tridiagonal matrix (diagonal, off): negative pivots of T - x I (Sturm).
unsigned count_below(unsigned size, const double* diagonal, const double* off, double x) noexcept {
  unsigned count = 0;
  double pivot = 1;
  for (unsigned j = 0; j < size; ++j) {
    const double coupling = j == 0 ? 0 : off[j - 1] * off[j - 1];
    pivot = diagonal[j] - x - coupling / pivot;
    if (pivot == 0) pivot = -std::numeric_limits<double>::min();
    if (pivot < 0) ++count;
  }
  return count;
}

// The eigenvalue with `below` eigenvalues under it, by bisection to the last bit.
double eigenvalue(unsigned size, const double* diagonal, const double* off, unsigned below) noexcept {
  double low = diagonal[0], high = diagonal[0];
  for (unsigned j = 0; j < size; ++j) {  // Gershgorin
    const double radius = (j > 0 ? off[j - 1] : 0) + (j + 1 < size ? off[j] : 0);
    low = std::min(low, diagonal[j] - radius);
    high = std::max(high, diagonal[j] + radius);
  }
  for (int i = 0; i < 100 && low < high; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (count_below(size, diagonal, off, middle) > below ? high : low) = middle;
  }
  return high;
}

// Last component of the unit eigenvector of the largest eigenvalue. The recurrence from the last row up only adds terms
// of one sign, since theta is above the spectrum of every trailing block.
double last_component(unsigned size, const double* diagonal, const double* off, double theta) noexcept {
  double next = 0, current = 1, squares = 1;
  for (unsigned j = size - 1; j > 0; --j) {
    const double above = ((theta - diagonal[j]) * current - (j + 1 < size ? off[j] * next : 0)) / off[j - 1];
    next = current;
    current = above;
    squares += above * above;
  }
  return std::isfinite(squares) ? 1 / std::sqrt(squares) : 0;
}

// Same bits on every machine: a splitmix64 hash of the index, mapped to (-1, 1).
double start_entry(std::size_t i) noexcept {
  std::uint64_t z = (static_cast<std::uint64_t>(i) + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return (static_cast<double>(z >> 11) + 0.5) * 0x1p-52 - 1;
}

double sum_squares(const KernelTable& table, const float* x, std::size_t count) noexcept {
  return table.sum_squares_f32(x, count);
}
double sum_squares(const KernelTable& table, const double* x, std::size_t count) noexcept {
  return table.sum_squares_f64(x, count);
}

struct Tridiagonal {
  unsigned size = 0;
  double diagonal[kBothEndsSteps] = {};
  double off[kBothEndsSteps] = {};  // off[size - 1] is the norm of the last remainder
};

// basis: (steps + 1) x n. Stops early when the Krylov space is exhausted.
template <class T>
Status lanczos(const Execution& execution, std::size_t n, const T* a, double damping, unsigned steps, double scale,
               double* basis, Tridiagonal& tridiagonal) noexcept {
  for (std::size_t i = 0; i < n; ++i) basis[i] = start_entry(i);
  const double start = norm(n, basis);
  for (std::size_t i = 0; i < n; ++i) basis[i] /= start;
  for (unsigned step = 0; step < steps; ++step) {
    const double* v = basis + step * n;
    double* w = basis + (step + 1) * n;
    std::copy_n(v, n, w);
    const Status status = row_dots(execution, Dots<T>{n, 1, n, a, n, v, n, 1.0, damping, w, n});
    if (status != Status::ok) return status;
    tridiagonal.diagonal[step] = dot(n, v, w);
    for (int pass = 0; pass < 2; ++pass) {  // twice is enough (Kahan and Parlett)
      for (unsigned k = 0; k <= step; ++k) {
        const double* u = basis + k * n;
        const double overlap = dot(n, u, w);
        for (std::size_t i = 0; i < n; ++i) w[i] -= overlap * u[i];
      }
    }
    const double remainder = norm(n, w);
    tridiagonal.off[step] = remainder;
    tridiagonal.size = step + 1;
    const double roundoff = std::numeric_limits<double>::epsilon() * scale * static_cast<double>(n);
    if (!(remainder > roundoff)) return Status::ok;
    for (std::size_t i = 0; i < n; ++i) w[i] /= remainder;
  }
  return Status::ok;
}

}  // namespace

template <class T>
Status norm_bounds(const Execution& execution, std::size_t n, const T* a, double damping,
                   SpectralBounds& out) noexcept {
  Buffer<double> sums(2 * n);
  if (!sums) return Status::out_of_memory;
  double* absolute = sums.data();
  double* squares = absolute + n;
  const KernelTable& table = kernels();
  const Status status = for_each_row(execution, n, n, [=, &table](std::size_t i) {
    const T* row = a + i * n;
    const double entry = static_cast<double>(row[i]), damped = entry + damping;
    // A row is summed as stored and its diagonal corrected: rounding only, and the bound has slack.
    absolute[i] = lane_sum(n, [=](std::size_t j) { return std::fabs(static_cast<double>(row[j])); }) -
                  std::fabs(entry) + std::fabs(damped);
    squares[i] = sum_squares(table, row, n) - entry * entry + damped * damped;
  });
  if (status != Status::ok) return status;
  double total = 0;
  out = {};
  double infinity = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(absolute[i])) return Status::non_finite;
    infinity = std::max(infinity, absolute[i]);
    total += squares[i];
  }
  // Squares that overflow or vanish say nothing: the other norm still holds, and ||A||_F <= sqrt(n) ||A||_inf.
  const bool usable = total > 1e-280 && total < 1e300;
  out.frobenius = usable ? std::sqrt(total) : std::sqrt(static_cast<double>(n)) * infinity;
  const double rounding = 1 + 4 * std::numeric_limits<double>::epsilon() * static_cast<double>(n);
  out.certain = std::min(out.frobenius, infinity) * rounding;
  out.upper = out.certain;
  out.flops = 4.0 * static_cast<double>(n) * static_cast<double>(n);
  return Status::ok;
}

template <class T>
Status spectral_bounds(const Execution& execution, std::size_t n, const T* a, double damping, unsigned steps,
                       SpectralBounds& out) noexcept {
  Status status = norm_bounds(execution, n, a, damping, out);
  if (status != Status::ok) return status;
  steps = static_cast<unsigned>(std::min<std::size_t>({steps, kBothEndsSteps, n}));
  Buffer<double> basis((steps + 1) * n);
  if (!basis) return Status::out_of_memory;
  Tridiagonal t;
  status = lanczos(execution, n, a, damping, steps, out.certain, basis.data(), t);
  if (status != Status::ok) return status;
  out.ritz_max = eigenvalue(t.size, t.diagonal, t.off, t.size - 1);
  out.ritz_min = eigenvalue(t.size, t.diagonal, t.off, 0);
  const double remainder = t.off[t.size - 1] * last_component(t.size, t.diagonal, t.off, out.ritz_max);
  out.upper = std::min(out.certain, kSafety * (out.ritz_max + remainder));
  if (!(out.upper > 0)) out.upper = out.certain;
  out.flops += 2.0 * t.size * static_cast<double>(n) * static_cast<double>(n);
  return Status::ok;
}

template Status norm_bounds(const Execution&, std::size_t, const float*, double, SpectralBounds&) noexcept;
template Status norm_bounds(const Execution&, std::size_t, const double*, double, SpectralBounds&) noexcept;
template Status spectral_bounds(const Execution&, std::size_t, const float*, double, unsigned,
                                SpectralBounds&) noexcept;
template Status spectral_bounds(const Execution&, std::size_t, const double*, double, unsigned,
                                SpectralBounds&) noexcept;

}  // namespace gradsift
