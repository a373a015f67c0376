#include "native/linalg/tridiagonal_qr.h"

#include <cmath>
#include <limits>

namespace gradsift {

namespace {

// sqrt(x^2 + y^2). The library's hypot guards against overflow at ten times the cost: here entries are about 1 or
// below.
double length_of(double x, double y) noexcept {
  const double squares = x * x + y * y;
  return squares > 0x1p-900 ? std::sqrt(squares) : std::hypot(x, y);
}

// Rounding beside its neighbours, or beside a largest entry of about 1 to the fifth power: matrices graded the wrong
// way by more than that would take hundreds of sweeps.
double negligible(double above, double below) noexcept {
  return 0x1p-300 + std::numeric_limits<double>::epsilon() / 2 * (std::fabs(above) + std::fabs(below));
}

// One sweep over the unreduced block of rows low .. high: a rotation that would shift by Wilkinson's eigenvalue, then
// rotations that chase the bulge out.
void sweep(std::size_t n, std::size_t low, std::size_t high, double* d, double* e, double* rows,
           std::size_t stride) noexcept {
  const double half = (d[high - 1] - d[high]) / 2, tail = e[high - 1];
  // The eigenvalue of the last 2 x 2 block that is nearer to its last entry.
  const double shift = d[high] - tail * (tail / (half + std::copysign(length_of(half, tail), half)));
  double x = d[low] - shift, bulge = e[low];
  for (std::size_t k = low; k < high; ++k) {
    const double length = length_of(x, bulge);
    const double c = length == 0 ? 1 : x / length, s = length == 0 ? 0 : bulge / length;
    if (k > low) e[k - 1] = length;
    const double gap = d[k] - d[k + 1], moved = s * (s * gap - 2 * c * e[k]);
    x = (c * c - s * s) * e[k] - c * s * gap;
    e[k] = x;
    d[k] -= moved;
    d[k + 1] += moved;
    if (k + 1 < high) {
      bulge = s * e[k + 1];
      e[k + 1] *= c;
    }
    double* upper = rows + k * stride;
    double* lower = upper + stride;
    for (std::size_t j = 0; j < n; ++j) {
      const double old = upper[j];
      upper[j] = c * old + s * lower[j];
      lower[j] = c * lower[j] - s * old;
    }
  }
}

}  // namespace

Status tridiagonal_qr(std::size_t n, double* diagonal, double* off, double* rows, std::size_t stride) noexcept {
  int sweeps = 0;
  for (std::size_t high = n == 0 ? 0 : n - 1; high > 0;) {
    std::size_t low = high;  // the unreduced block that ends at `high`
    while (low > 0 && std::fabs(off[low - 1]) > negligible(diagonal[low - 1], diagonal[low])) --low;
    if (low == high) {
      --high;
      sweeps = 0;
      continue;
    }
    if (++sweeps > kMostSweeps) return Status::step_limit;
    sweep(n, low, high, diagonal, off, rows, stride);
  }
  return Status::ok;
}

}  // namespace gradsift
