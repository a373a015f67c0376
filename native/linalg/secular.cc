#include "native/linalg/secular.h"

#include <cmath>
#include <limits>

#include "native/linalg/elementwise.h"

namespace gradsift {

namespace {

// Rational interpolation takes 2 to 6 steps. A step that leaves the bracket is replaced by one towards the pole by 2^4,
// and the smallest weight that deflation lets through is about 2^-100.
constexpr int kMostSteps = 100;

struct Sum {
  double value, slope;  // sum z_j^2 / (d_j - x), and of its derivatives z_j^2 / (d_j - x)^2
};

Sum sum_poles(const SecularEquation& f, std::size_t first, std::size_t last, double origin, double offset) noexcept {
  double value[kLanes] = {}, slope[kLanes] = {};
  const double* d = f.d + first;
  const double* z = f.z + first;
  const std::size_t count = last - first;
  std::size_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      const double ratio = z[j + l] / ((d[j + l] - origin) - offset);
      value[l] += z[j + l] * ratio;
      slope[l] += ratio * ratio;
    }
  }
  for (std::size_t l = 0; j < count; ++j, ++l) {
    const double ratio = z[j] / ((d[j] - origin) - offset);
    value[l] += z[j] * ratio;
    slope[l] += ratio * ratio;
  }
  return {merge_lanes(value), merge_lanes(slope)};
}

struct Bracket {
  double low, high;  // of the offset; one end may be 0, the pole itself

  bool holds(double x) const noexcept { return x > low && x < high; }
  double middle() const noexcept {
    // In magnitude: the root may be smaller than the bracket by many orders.
    if (low == 0) return high / 16;
    if (high == 0) return low / 16;
    return std::copysign(std::sqrt(low * high), high);
  }
};

// Li's fixed-weight step (LAPACK Working Note 89, 1993): f is replaced by c + s / (d_i - x) + S / (d_{i+1} - x), with
// the weight z^2 of the nearer pole kept and value and derivative of f met. near, far: d - x of the two poles.
double rational_step(double value, double slope, double weight, double near, double far, bool last) noexcept {
  const double c = value - far * slope + weight * (far - near) / (near * near);
  const double a = (near + far) * value - near * far * slope, b = near * far * value;
  const double root = std::sqrt(std::fmax(0.0, a * a - 4 * b * c));
  // Of c x^2 - a x + b the root between the poles; for the last eigenvalue, the one right of both.
  if (last) return a >= 0 ? (a + root) / (2 * c) : 2 * b / (a - root);
  return a <= 0 ? (a - root) / (2 * c) : 2 * b / (a + root);
}

}  // namespace

SecularRoot secular_root(const SecularEquation& f, std::size_t i) noexcept {
  const std::size_t n = f.n;
  const double constant = 1 / f.rho;
  if (n == 1) return {0, f.rho * f.z[0] * f.z[0], true};
  const bool last = i + 1 == n;
  const double span = last ? f.rho * dot(n, f.z, f.z) : f.d[i + 1] - f.d[i];
  double offset = span / 2;
  Sum left = sum_poles(f, 0, i + 1, f.d[i], offset), right = sum_poles(f, i + 1, n, f.d[i], offset);
  double value = constant + (left.value + right.value);
  std::size_t origin = i;
  Bracket bracket{0, span};
  if (!last && value < 0) {  // right of the middle: count from d_{i+1}
    origin = i + 1;
    offset = (f.d[i] - f.d[origin]) + offset;
    bracket = {-span, 0};
  }
  const std::size_t other = last ? i - 1 : (origin == i ? i + 1 : i);
  const double center = f.d[origin], weight = f.z[origin] * f.z[origin];
  // What rounding may leave of f at its root: the lanes' additions, and the quotients.
  const double roundings = (static_cast<double>(n / kLanes) + 16) * std::numeric_limits<double>::epsilon() / 2;
  for (int step = 0; step < kMostSteps; ++step) {
    if (std::fabs(value) <= roundings * (constant + (right.value - left.value))) return {origin, offset, true};
    (value < 0 ? bracket.low : bracket.high) = offset;
    const double near = -offset, far = (f.d[other] - center) - offset;
    double next = offset + rational_step(value, left.slope + right.slope, weight, near, far, last);
    if (!bracket.holds(next)) next = bracket.middle();
    if (next == offset || !bracket.holds(next)) return {origin, offset, true};  // the last bit
    offset = next;
    left = sum_poles(f, 0, i + 1, center, offset);
    right = sum_poles(f, i + 1, n, center, offset);
    value = constant + (left.value + right.value);
  }
  return {origin, offset, false};
}

}  // namespace gradsift
