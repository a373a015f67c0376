#include "native/linalg/cholesky.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "native/core/buffer.h"
#include "native/linalg/cholesky_batched.h"
#include "native/linalg/cholesky_factor.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/residual.h"
#include "native/linalg/spectral_bounds.h"

namespace gradsift {

namespace {

// Corrections by the residual. With a factor of the precision of A a second one changes nothing; with one of float32
// each gains the digits that kappa leaves of 2^-24, at least one bit or it was the last.
constexpr unsigned kMostCorrections = 1, kMostMixedCorrections = 30;

// One matrix of a batch, its right-hand sides and where its results go.
template <class T>
struct Task {
  const CholeskySolve<T>& p;
  const T* a;
  const T* v;
  T* h;
  double* remainder;  // V - (A + damping I) H
  double size;        // ||V||_F
  Certificate& certificate;

  SolveResidual<T> residual_of(const T* solution, double* residual) const noexcept {
    return {p.n, p.rhs, a, p.damping, v, solution, remainder, residual};
  }
};

// Solves with a factor of scale (A + damping I) in precision F. Right-hand sides are scaled, too: both scales are 1
// unless F is narrower than T, and then powers of two that bring the largest entries near 1.
template <class F, class T>
class Solver {
 public:
  Solver(const Execution& execution, const Task<T>& task) noexcept : execution_(execution), t_(task) {
    if constexpr (!std::is_same_v<F, T>) scale_ = power_below(t_.certificate.lambda_max);
  }

  Status run() noexcept {
    Certificate& certificate = t_.certificate;
    const double n = static_cast<double>(t_.p.n), rhs = static_cast<double>(t_.p.rhs);
    // A solve and a residual cost the same.
    const double work = 2 * CholeskyFactor<F>::solve_flops(n, rhs);
    certificate.refinements = 0;
    certificate.flops += CholeskyFactor<F>::factor_flops(n) + work;
    Status status = factor_and_solve();
    if (status == Status::ok) status = solve_residual(execution_, t_.residual_of(t_.h, &certificate.residual));
    constexpr unsigned most = std::is_same_v<F, T> ? kMostCorrections : kMostMixedCorrections;
    while (status == Status::ok && certificate.residual > t_.p.tolerance && certificate.refinements < most) {
      const double before = certificate.residual;
      status = refine();
      certificate.flops += work;
      if (!(certificate.residual <= before / 2)) break;
    }
    if (status == Status::ok && !std::isfinite(certificate.residual)) status = Status::non_finite;  // overflow
    return status;
  }

 private:
  static double power_below(double size) noexcept {
    int exponent = 0;
    std::frexp(size, &exponent);
    return std::ldexp(1.0, std::clamp(-exponent, -1000, 1000));
  }

  // x times scale, in F; a plain copy where there is nothing to convert.
  static void take(std::size_t count, const T* x, double scale, F* out) noexcept {
    if constexpr (std::is_same_v<F, T>) {
      std::copy_n(x, count, out);
    } else {
      convert(count, x, scale, out);
    }
  }

  // A few right-hand sides ride along with the factorisation; as many rows as A has would be a matrix of four times
  // its size.
  Status factor_and_solve() noexcept {
    const std::size_t n = t_.p.n, rhs = t_.p.rhs, riding = rhs <= n / 8 ? rhs : 0, stride = n + riding;
    Buffer<F> matrix(stride * stride), x(riding == 0 ? rhs * n : 0);
    if (!matrix || !x) return Status::out_of_memory;
    if constexpr (!std::is_same_v<F, T>) right_ = power_below(t_.size);
    F* rows = matrix.data();
    Status status = for_each_row(execution_, stride, n, [=, this](std::size_t i) {
      if (i >= n) return take(n, t_.v + (i - n) * n, right_, rows + i * stride);
      take(i, t_.a + i * n, scale_, rows + i * stride);
      rows[i * stride + i] = static_cast<F>(scale_ * (static_cast<double>(t_.a[i * n + i]) + t_.p.damping));
    });
    if (status == Status::ok) status = factor_.factor(execution_, n, riding, std::move(matrix));
    if (status != Status::ok) return status;
    if (riding == 0) {
      take(rhs * n, t_.v, right_, x.data());
      status = factor_.solve(execution_, rhs, x.data());
    }
    const F* solutions = riding == 0 ? x.data() : factor_.solutions();
    for (std::size_t i = 0; i < rhs; ++i) {
      convert(n, solutions + i * (riding == 0 ? n : stride), scale_ / right_, t_.h + i * n);
    }
    return status;
  }

  // H + A^-1 remainder replaces H if its residual is smaller.
  Status refine() noexcept {
    Certificate& certificate = t_.certificate;
    const std::size_t count = t_.p.rhs * t_.p.n;
    Buffer<F> correction(count);
    Buffer<T> refined(count);
    if (!correction || !refined) return Status::out_of_memory;
    if constexpr (!std::is_same_v<F, T>) right_ = power_below(certificate.residual * t_.size);
    convert(count, t_.remainder, right_, correction.data());
    Status status = factor_.solve(execution_, t_.p.rhs, correction.data());
    if (status != Status::ok) return status;
    convert(count, correction.data(), scale_ / right_, refined.data());
    for (std::size_t i = 0; i < count; ++i) refined[i] += t_.h[i];
    double residual = 0;
    status = solve_residual(execution_, t_.residual_of(refined.data(), &residual));
    if (status == Status::ok && residual < certificate.residual) {
      certificate.residual = residual;
      ++certificate.refinements;
      std::copy_n(refined.data(), count, t_.h);
    }
    return status;
  }

  const Execution& execution_;
  const Task<T>& t_;
  double scale_ = 1, right_ = 1;
  CholeskyFactor<F> factor_;
};

// In float64 throughout where a factor of float32 does not exist, or leads nowhere.
template <class T>
Status solve_task(const Execution& execution, const Task<T>& task) noexcept {
  if constexpr (std::is_same_v<T, double>) {
    if (task.p.mixed) {
      const Status status = Solver<float, double>(execution, task).run();
      if (status == Status::ok ? task.certificate.residual <= task.p.tolerance : !numerical(status)) return status;
      task.certificate.restarts = 1;
    }
  }
  return Solver<T, T>(execution, task).run();
}

template <class T>
Status solve_matrix(const Execution& execution, const CholeskySolve<T>& p, std::size_t b) noexcept {
  const std::size_t n = p.n, count = p.rhs * n;
  Certificate& certificate = p.certificates[b] = {};
  const T* a = p.a + b * n * n;
  T* h = p.h + b * count;
  Buffer<T> v(count);  // H may be V, and the residual needs V
  Buffer<double> remainder(count);
  if (!v || !remainder) return Status::out_of_memory;
  std::copy_n(p.v + b * count, count, v.data());
  const double size = frobenius_norm(p.rhs, n, v.data());
  SpectralBounds bounds;
  Status status = std::isfinite(size) ? norm_bounds(execution, n, a, p.damping, bounds) : Status::non_finite;
  certificate.lambda_min = p.damping;
  certificate.lambda_max = bounds.upper;
  certificate.flops = bounds.flops;
  if (status == Status::ok) {
    status = solve_task(execution, Task<T>{p, a, v.data(), h, remainder.data(), size, certificate});
  }
  if (numerical(status)) {
    reject(certificate, status, count, h, size == 0);
    return Status::ok;
  }
  if (!(certificate.residual <= p.tolerance)) certificate.status = Status::stagnated;
  return status;
}

template <class T>
Status solve_batch(const Execution& execution, const CholeskySolve<T>& p) noexcept {
  if (p.n <= kSideBySide && !p.mixed) return cholesky_solve_side_by_side<T>(execution, p, solve_matrix<T>);
  return for_each_matrix(execution, p.batch, p.n,
                         [&](const Execution& inner, std::size_t b) { return solve_matrix(inner, p, b); });
}

}  // namespace

Status cholesky_solve(const Execution& execution, const CholeskySolve<float>& problem) noexcept {
  return solve_batch(execution, problem);
}
Status cholesky_solve(const Execution& execution, const CholeskySolve<double>& problem) noexcept {
  return solve_batch(execution, problem);
}

}  // namespace gradsift
