#include "native/linalg/hyperpower_solve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "native/core/buffer.h"
#include "native/linalg/conjugate_gradients.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/gemm.h"
#include "native/linalg/hyperpower_factors.h"
#include "native/linalg/residual.h"
#include "native/linalg/widened.h"

namespace gradsift {

namespace {

// One matrix, in float64.
struct System {
  std::size_t n, rhs;
  const double* a;
  double damping;
  const double* v;
  double* h;
  double tolerance;
};

// X_K as the product of its factors, T being their type.
template <class T>
class FactoredInverse final : public Preconditioner {
 public:
  // guard tells whether the interval held; eigenvalues below its a are expected when `low_expected`.
  Status build(const Execution& execution, const System& system, const HyperpowerInterval& interval, bool low_expected,
               const HyperpowerScalars& scalars, unsigned steps, Guard& guard) noexcept {
    n_ = system.n;
    steps_ = steps;
    scalars_ = scalars;
    factors_ = Buffer<T>(n_ * n_ * steps);
    if (!factors_) return Status::out_of_memory;
    guard = Guard::fits;
    Status status = first_residual(execution, n_, system.a, system.damping, scalars.start, factor(0));
    double previous = std::numeric_limits<double>::infinity();
    for (unsigned k = 0; status == Status::ok && k + 1 < steps; ++k) {
      status = next_residual(execution, n_, factor(k), scalars.scale[k], factor(k + 1));
      if (status != Status::ok) break;
      const double size = residual_norm_from_next(n_, factor(k + 1), scalars.scale[k]);
      guard = check_residual<T>(scalars, interval, k, size, previous);
      if (guard == Guard::stuck && low_expected) guard = Guard::fits;
      if (guard != Guard::fits) break;
      previous = size;
      execution.advance(1);
    }
    const double order = static_cast<double>(n_);
    flops = 2 * order * order * static_cast<double>(system.rhs) * steps;
    return status;
  }

  Status apply(const Execution& execution, std::size_t rhs, const double* r, double* z) const noexcept override {
    const std::size_t count = rhs * n_;
    Buffer<T> w(count), next(count);
    Buffer<double> sizes(rhs);
    if (!w || !next || !sizes) return Status::out_of_memory;
    for (std::size_t j = 0; j < rhs; ++j) {  // rows of size 1: a remainder of 1e-40 keeps its digits in float32
      sizes[j] = norm(n_, r + j * n_);
      const double scale = sizes[j] > 0 && std::isfinite(1 / sizes[j]) ? scalars_.start / sizes[j] : 0;
      convert(n_, r + j * n_, scale, w.data() + j * n_);
    }
    for (unsigned k = steps_; k-- > 0;) {  // reverse order: ten times less rounding than forward
      std::copy_n(w.data(), count, next.data());
      Gemm<T> product;
      product.m = rhs;
      product.n = product.k = n_;
      product.alpha = product.beta = static_cast<T>(scalars_.scale[k]);
      product.a = {w.data(), n_, 1, 0};
      product.b = {factor(k), n_, 1, 0};
      product.c = {next.data(), n_, 1, 0};
      const Status status = gemm(execution, product);
      if (status != Status::ok) return status;
      std::swap(w, next);
    }
    for (std::size_t j = 0; j < rhs; ++j) convert(n_, w.data() + j * n_, sizes[j], z + j * n_);
    return Status::ok;
  }

 private:
  T* factor(unsigned k) noexcept { return factors_.data() + k * n_ * n_; }
  const T* factor(unsigned k) const noexcept { return factors_.data() + k * n_ * n_; }

  std::size_t n_ = 0;
  unsigned steps_ = 0;
  HyperpowerScalars scalars_;
  Buffer<T> factors_;
};

// Builds the factors, with as many restarts as the guard asks for.
template <class T>
Status build_factors(const Execution& execution, const System& system, HyperpowerInterval& interval,
                     FactoredInverse<T>& inverse, SolvePlan& plan, Certificate& certificate) noexcept {
  const double order = static_cast<double>(system.n);
  for (;;) {
    // Factors whose rounding would outweigh the smallest eigenvalues are built for a larger a: conjugate gradients then
    // deals with what lies below. 16: kappa * roundoff stays under 0.1.
    HyperpowerInterval used = interval;
    used.a = std::max(interval.a, 16 * interval.roundoff * interval.b);
    const HyperpowerScalars scalars = hyperpower_scalars(used.a, used.b);
    plan = plan_hyperpower_solve(scalars, system.n, system.rhs, used.b / used.a, system.tolerance,
                                 std::is_same_v<T, float>);
    // A guessed a is only found out where one eigenvalue outweighs all that converge: sqrt(n) rho <= 1/4.
    if (interval.guessed) plan.steps = std::max(plan.steps, 1 + doublings_to(scalars, 0.25 / std::sqrt(order)));
    plan.steps = std::min(plan.steps, kMaxDoublings - 1);
    Guard guard = Guard::fits;
    const bool low_expected = used.a > interval.a;
    const Status status = inverse.build(execution, system, used, low_expected, scalars, plan.steps, guard);
    certificate.steps = plan.steps;
    certificate.flops += (plan.steps - 1) * order * order * (order + 1);
    if (status != Status::ok || guard == Guard::fits) return status;
    const Status widened = interval.widen(guard == Guard::grew);
    if (widened != Status::ok) return widened;
    ++certificate.restarts;
  }
}

template <class T>
Status solve_system(const Execution& execution, const System& system, HyperpowerInterval& interval,
                    Certificate& certificate) noexcept {
  interval.roundoff = std::numeric_limits<T>::epsilon() / 2;
  FactoredInverse<T> inverse;
  SolvePlan plan;
  Status status = build_factors(execution, system, interval, inverse, plan, certificate);
  certificate.lambda_min = interval.a;
  certificate.lambda_max = interval.b;
  if (status != Status::ok) return status;
  Buffer<double> r(system.rhs * system.n);
  if (!r) return Status::out_of_memory;
  // The plan's passes suffice where the interval is right and resolved; what lies below takes a few passes for each
  // eigenvalue, so far as rounding lets it.
  constexpr unsigned kMorePasses = 250;
  const CgIteration iteration{
      system.n, system.rhs, system.a, system.damping, r.data(), system.h, nullptr, plan.passes + kMorePasses, &inverse};
  Certificate refinement;
  status = cg_refine(execution, iteration, system.v, system.tolerance, refinement);
  certificate.refinements = refinement.steps;
  certificate.residual = refinement.residual;
  certificate.status = refinement.status;
  certificate.flops += refinement.flops;
  return status;
}

template <class T>
Status solve_matrix(const Execution& execution, const HyperpowerSolve<T>& p, std::size_t b) noexcept {
  const std::size_t n = p.n, count = p.rhs * n;
  Certificate& certificate = p.certificates[b] = {};
  const T* a = p.a + b * n * n;
  T* h = p.h + b * count;
  const double size = frobenius_norm(p.rhs, n, p.v + b * count);
  HyperpowerInterval interval;
  Status status =
      std::isfinite(size) ? interval.find(execution, n, a, p.damping, p.lambda_min, p.lambda_max) : Status::non_finite;
  certificate.lambda_min = interval.a;
  certificate.lambda_max = interval.b;
  certificate.flops = interval.flops;
  if (status == Status::ok) {
    Widened<T> matrix;
    Buffer<double> v(count), x(count);
    if (!v || !x) return Status::out_of_memory;
    convert(count, p.v + b * count, 1, v.data());
    status = matrix.open(execution, n, n, a);
    if (status != Status::ok) return status;
    const System system{n, p.rhs, matrix.data(), p.damping, v.data(), x.data(), p.tolerance};
    status = p.mixed ? solve_system<float>(execution, system, interval, certificate)
                     : solve_system<double>(execution, system, interval, certificate);
    if (status == Status::ok) convert(count, x.data(), 1, h);
    if (status == Status::ok && sizeof(T) < sizeof(double)) {  // the residual of what is returned
      convert(count, h, 1, x.data());
      SolveResidual<double> check{n, p.rhs, matrix.data(), p.damping, v.data(), x.data(), nullptr, nullptr};
      check.residual = &certificate.residual;
      status = solve_residual(execution, check);
      const bool missed = !(certificate.residual <= p.tolerance);
      if (missed && certificate.status == Status::ok) certificate.status = Status::stagnated;
    }
  }
  if (numerical(status)) reject(certificate, status, count, h, size == 0);
  return numerical(status) ? Status::ok : status;
}

template <class T>
Status solve_batch(const Execution& execution, const HyperpowerSolve<T>& p) noexcept {
  return for_each_matrix(execution, p.batch, p.n,
                         [&](const Execution& inner, std::size_t b) { return solve_matrix(inner, p, b); });
}

}  // namespace

Status hyperpower_solve(const Execution& execution, const HyperpowerSolve<float>& problem) noexcept {
  return solve_batch(execution, problem);
}
Status hyperpower_solve(const Execution& execution, const HyperpowerSolve<double>& problem) noexcept {
  return solve_batch(execution, problem);
}

}  // namespace gradsift
