#include "native/linalg/eigh.h"

#include <algorithm>
#include <cmath>

#include "native/core/buffer.h"
#include "native/linalg/certificate.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/tridiagonal.h"
#include "native/linalg/tridiagonal_eigen.h"

namespace gradsift {

namespace {

// The power of two that brings the largest entry of the lower triangle into [1/2, 1): exact, and squares neither
// overflow nor vanish afterwards. Finite says whether all entries are.
int exponent_of(std::size_t n, const double* a, bool& finite) noexcept {
  double largest = 0, poison = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      largest = std::max(largest, std::fabs(a[i * n + j]));
      poison += 0 * a[i * n + j];
    }
  }
  finite = poison == 0;
  int exponent = 0;
  if (finite) std::frexp(largest, &exponent);
  return exponent;
}

// x 2^exponent, for every exponent of a double: a single factor might not be one. Exact unless the result is subnormal.
struct PowerOfTwo {
  explicit PowerOfTwo(int exponent) noexcept
      : first(std::ldexp(1.0, exponent / 2)), second(std::ldexp(1.0, exponent - exponent / 2)) {}
  double times(double x) const noexcept { return x * first * second; }
  double first, second;
};

// Scratch of one matrix.
struct Space {
  explicit Space(std::size_t n) noexcept : a(n * n), rows(n * n), off(n), tau(n), order(n) {}
  explicit operator bool() const noexcept { return a && rows && off && tau && order; }
  Buffer<double> a, rows, off, tau;
  Buffer<std::size_t> order;
};

Status solve_scaled(const Execution& execution, std::size_t n, Space& space, double* values, double* vectors) noexcept {
  const TridiagonalForm form{n, space.a.data(), values, space.off.data(), space.tau.data()};
  Status status = tridiagonalise(execution, form);
  if (status != Status::ok) return status;
  const std::size_t* order = space.order.data();
  double* rows = space.rows.data();
  status = tridiagonal_eigen(execution, {n, values, space.off.data(), rows, space.order.data(), vectors});
  if (status != Status::ok) return status;
  double* sorted = space.tau.data();
  status = for_each_row(execution, n, n, [=](std::size_t k) { std::copy_n(rows + order[k] * n, n, vectors + k * n); });
  if (status == Status::ok) status = apply_reflections(execution, form, vectors);
  for (std::size_t k = 0; k < n; ++k) sorted[k] = values[order[k]];
  std::copy_n(sorted, n, values);
  return status;
}

Status solve_matrix(const Execution& execution, const Eigh& p, std::size_t b) noexcept {
  const std::size_t n = p.n;
  const double* a = p.a + b * n * n;
  double* values = p.values + b * n;
  double* vectors = p.vectors + b * n * n;
  bool finite = true;
  const int exponent = exponent_of(n, a, finite);
  Status status = finite ? Status::ok : Status::non_finite;
  if (finite) {
    Space space(n);
    if (!space) return Status::out_of_memory;
    double* scaled = space.a.data();
    const PowerOfTwo down(-exponent);
    status = for_each_row(execution, n, n, [=](std::size_t i) {
      for (std::size_t j = 0; j <= i; ++j) scaled[i * n + j] = down.times(a[i * n + j]);
      std::fill(scaled + i * n + i + 1, scaled + (i + 1) * n, 0.0);
    });
    if (status == Status::ok) status = solve_scaled(execution, n, space, values, vectors);
  }
  if (status == Status::cancelled || status == Status::out_of_memory) return status;
  const PowerOfTwo up(exponent);
  for (std::size_t k = 0; k < n && status == Status::ok; ++k) {
    values[k] = up.times(values[k]);
    if (!std::isfinite(values[k])) status = Status::non_finite;
  }
  p.statuses[b] = status;
  if (status != Status::ok) {
    std::fill(values, values + n, 0.0);
    std::fill(vectors, vectors + n * n, 0.0);
  }
  return Status::ok;
}

}  // namespace

Status eigh(const Execution& execution, const Eigh& problem) noexcept {
  return for_each_matrix(execution, problem.batch, problem.n,
                         [&](const Execution& inner, std::size_t b) { return solve_matrix(inner, problem, b); });
}

}  // namespace gradsift
