#include "native/linalg/hyperpower_inverse.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "native/core/buffer.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/gemm.h"
#include "native/linalg/hyperpower_factors.h"
#include "native/linalg/residual.h"
#include "native/linalg/spectral_bounds.h"
#include "native/linalg/symmetric_product.h"

namespace gradsift {

namespace {

// C = alpha A B + beta C, all n x n.
template <class T>
Status multiply(const Execution& execution, std::size_t n, T alpha, const T* a, const T* b, T beta, T* c) noexcept {
  Gemm<T> product;
  product.m = product.n = product.k = n;
  product.alpha = alpha;
  product.beta = beta;
  product.a = {a, n, 1, 0};
  product.b = {b, n, 1, 0};
  product.c = {c, n, 1, 0};
  return gemm(execution, product);
}

// W = 2 I - W in place, W = A X on entry; returns ||I - A X||_F in `residual`.
template <class T>
Status correction_factor(const Execution& execution, std::size_t n, T* w, double* rows, double& residual) noexcept {
  const Status status = for_each_row(execution, n, n, [=](std::size_t i) {
    T* row = w + i * n;
    const double diagonal = 1 - static_cast<double>(row[i]);
    const T two = 2 - row[i];
    row[i] = 0;
    const double others = dot(n, row, row);
    for (std::size_t j = 0; j < n; ++j) row[j] = -row[j];
    row[i] = two;
    rows[i] = std::sqrt(others + diagonal * diagonal);
  });
  residual = norm(n, rows);
  return status;
}

template <class T>
struct TextbookRun {
  const Execution& execution;
  const TextbookInverse<T>& problem;
  const T* damped;  // A + damping I
  double alpha;
  Certificate& certificate;

  // Leaves the last iterate in x. certificate.status: diverged, or ok for "not known to be bad".
  Status run(T* x) noexcept {
    const std::size_t n = problem.n;
    Buffer<T> w(n * n), next(n * n);
    Buffer<double> rows(n);
    if (!w || !next || !rows) return Status::out_of_memory;
    std::fill(x, x + n * n, T(0));
    for (std::size_t i = 0; i < n; ++i) x[i * n + i] = static_cast<T>(alpha);
    const double root = std::sqrt(static_cast<double>(n));
    double start = 0, previous = std::numeric_limits<double>::infinity();
    for (unsigned step = 0; step < problem.steps; ++step) {
      Status status = multiply<T>(execution, n, 1, damped, x, 0, w.data());
      double residual = 0;
      if (status == Status::ok) status = correction_factor(execution, n, w.data(), rows.data(), residual);
      if (status != Status::ok) return status;
      certificate.flops += 2 * root * root * root * root * root * root;
      if (step == 0) start = std::max(1.0, residual);
      // R_{k+1} = R_k^2: its norm can only fall while ||R_k||_2 <= 1. 1 %: rounding.
      if (!(residual <= 1.01 * start)) {
        certificate.status = Status::diverged;
        return Status::ok;
      }
      if (residual / root <= problem.stop_at) return Status::ok;
      // Below 1/2 the norm is squared by every step, unless rounding is all that is left.
      if (problem.stop_at > 0 && previous < 0.5 && residual > previous / 2) return Status::ok;
      previous = residual;
      status = multiply<T>(execution, n, 1, x, w.data(), 0, next.data());
      if (status != Status::ok) return status;
      certificate.flops += 2 * root * root * root * root * root * root;
      std::copy_n(next.data(), n * n, x);
      ++certificate.steps;
      execution.advance(1);
    }
    return Status::ok;
  }
};

// Tells 'converged' from the rest by the certified residual.
template <class T>
Status certify(const Execution& execution, std::size_t n, const T* a, double damping, const T* x, double* remainder,
               Certificate& certificate) noexcept {
  certificate.flops += 2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
  return inverse_residual(execution, InverseResidual<T>{n, a, damping, x, remainder, &certificate.residual});
}

// No inverse: X = 0, whose residual is 1.
template <class T>
Status no_inverse(Certificate& certificate, Status status, std::size_t n, T* x) noexcept {
  reject(certificate, status, n * n, x, false);
  return Status::ok;
}

template <class T>
Status textbook_matrix(const Execution& execution, const TextbookInverse<T>& p, std::size_t b) noexcept {
  const std::size_t n = p.n;
  Certificate& certificate = p.certificates[b] = {};
  T* x = p.x + b * n * n;
  const T* a = p.a + b * n * n;
  SpectralBounds bounds;
  Status status = spectral_bounds(execution, n, a, p.damping, kUpperSteps, bounds);
  if (numerical(status)) return no_inverse(certificate, status, n, x);
  if (status != Status::ok) return status;
  certificate.lambda_min = p.damping;
  certificate.lambda_max = bounds.upper;
  certificate.flops = bounds.flops;
  const double alpha = p.alpha > 0 ? p.alpha : 1 / bounds.frobenius;
  if (!std::isfinite(static_cast<T>(alpha))) return no_inverse(certificate, Status::not_positive_definite, n, x);
  Buffer<T> damped(n * n);
  Buffer<double> remainder(n * n);
  if (!damped || !remainder) return Status::out_of_memory;
  status = shifted_copy(execution, n, a, 1, p.damping, damped.data());
  TextbookRun<T> run{execution, p, damped.data(), alpha, certificate};
  if (status == Status::ok) status = run.run(x);
  if (status == Status::ok) status = certify(execution, n, a, p.damping, x, remainder.data(), certificate);
  if (status != Status::ok) return status;
  // A Ritz value lies inside the spectrum: this is certain, even where too few steps were run to see it grow.
  if (alpha * bounds.ritz_max > 2 * (1 + 1e-9)) certificate.status = Status::diverged;
  if (!std::isfinite(certificate.residual)) return no_inverse(certificate, Status::diverged, n, x);
  if (certificate.status == Status::ok && !(certificate.residual <= p.tolerance)) {
    certificate.status = certificate.steps == p.steps ? Status::step_limit : Status::stagnated;
  }
  return Status::ok;
}

template <class T>
struct ScaledRun {
  const Execution& execution;
  const ScaledInverse<T>& problem;
  const T* a;
  Certificate& certificate;
  Buffer<T> residual, next_residual_, next;

  Status open() noexcept {
    const std::size_t size = problem.n * problem.n;
    residual = Buffer<T>(size);
    next_residual_ = Buffer<T>(size);
    next = Buffer<T>(size);
    return residual && next_residual_ && next ? Status::ok : Status::out_of_memory;
  }

  // All steps; guard tells whether the interval held.
  Status run(const HyperpowerInterval& interval, T* x, Guard& guard) noexcept {
    const HyperpowerScalars scalars = hyperpower_scalars(interval.a, interval.b, problem.order);
    const double finest = 4 * std::numeric_limits<T>::epsilon();
    const unsigned steps = doublings_to(scalars, std::max(problem.tolerance / 2, finest));
    guard = Guard::fits;
    const Status status = first_residual(execution, problem.n, a, problem.damping, scalars.start, residual.data());
    if (status != Status::ok) return status;
    return problem.order == 2 ? double_degree(interval, scalars, steps, x, guard)
                              : triple_degree(interval, scalars, steps, x, guard);
  }

  // C = alpha A B + beta C of symmetric matrices that commute.
  Status multiply_symmetric(double alpha, const T* left, const T* right, double beta, T* c) noexcept {
    SymmetricProduct<T> product;
    product.n = problem.n;
    product.alpha = static_cast<T>(alpha);
    product.beta = static_cast<T>(beta);
    product.a = {left, problem.n, 1, 0};
    product.b = {right, problem.n, 1, 0};
    product.c = {c, problem.n, 1, 0};
    const double order = static_cast<double>(problem.n);
    certificate.flops += order * order * (order + 1);
    return symmetric_product(execution, product);
  }

  Status double_degree(const HyperpowerInterval& interval, const HyperpowerScalars& scalars, unsigned steps, T* x,
                       Guard& guard) noexcept {
    const std::size_t n = problem.n;
    const double order = static_cast<double>(n);
    // X_1 = s_0 start (I + R_0) needs no product.
    const double first = scalars.scale[0] * scalars.start;
    Status status = shifted_copy(execution, n, residual.data(), first, first, x);
    double previous = std::numeric_limits<double>::infinity();
    certificate.steps = 1;
    for (unsigned k = 1; status == Status::ok && k < steps; ++k) {
      status = next_residual(execution, n, residual.data(), scalars.scale[k - 1], next_residual_.data());
      if (status != Status::ok) break;
      const double size = residual_norm_from_next(n, next_residual_.data(), scalars.scale[k - 1]);
      guard = check_residual<T>(scalars, interval, k - 1, size, previous);
      if (guard != Guard::fits) return Status::ok;
      previous = size;
      std::swap(residual, next_residual_);
      std::copy_n(x, n * n, next.data());  // X <- s (X + X R)
      status = multiply_symmetric(scalars.scale[k], next.data(), residual.data(), scalars.scale[k], x);
      certificate.flops += order * order * (order + 1);
      ++certificate.steps;
      execution.advance(1);
    }
    return status;
  }

  Status triple_degree(const HyperpowerInterval& interval, const HyperpowerScalars& scalars, unsigned steps, T* x,
                       Guard& guard) noexcept {
    const std::size_t size = problem.n * problem.n;
    T* square = next_residual_.data();
    double previous = std::numeric_limits<double>::infinity();
    certificate.steps = 0;
    for (unsigned k = 0; k < steps; ++k) {
      const double scale = scalars.scale[k];
      Status status = multiply_symmetric(1, residual.data(), residual.data(), 0, square);
      if (status != Status::ok) return status;
      const double frobenius = root_of_trace(square);
      guard = check_residual<T>(scalars, interval, k, frobenius, previous);
      if (guard != Guard::fits) return Status::ok;
      previous = frobenius;
      if (k + 1 < steps) {  // R <- s R^3 - (s - 1) R
        std::copy_n(residual.data(), size, next.data());
        status = multiply_symmetric(scale, residual.data(), square, 1 - scale, next.data());
        if (status != Status::ok) return status;
      }
      for (std::size_t i = 0; i < size; ++i) square[i] += residual[i];
      if (k == 0) {
        status = shifted_copy(execution, problem.n, square, scale * scalars.start, scalars.start, x);
      } else {  // X <- X + s X (R + R^2)
        std::copy_n(x, size, residual.data());
        status = multiply_symmetric(scale, residual.data(), square, 1, x);
      }
      if (status != Status::ok) return status;
      std::swap(residual, next);
      ++certificate.steps;
      execution.advance(1);
    }
    return Status::ok;
  }

  // ||R||_F from R^2. The square root of a rounding below zero is zero.
  double root_of_trace(const T* square) const noexcept {
    double trace = 0;
    for (std::size_t i = 0; i < problem.n; ++i) trace += static_cast<double>(square[i * problem.n + i]);
    return std::isfinite(trace) ? std::sqrt(std::max(0.0, trace)) : trace * trace;
  }

  // X + X (I - A X), symmetrised, into `next`.
  Status correct(const double* remainder, const T* x) noexcept {
    const std::size_t n = problem.n;
    convert(n * n, remainder, 1, residual.data());
    std::copy_n(x, n * n, next.data());
    const Status status = multiply<T>(execution, n, 1, x, residual.data(), 1, next.data());
    if (status != Status::ok) return status;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        T& low = next[i * n + j];
        low = next[j * n + i] = (low + next[j * n + i]) / 2;
      }
    }
    const double order = static_cast<double>(n);
    certificate.flops += 2 * order * order * order;
    return Status::ok;
  }
};

template <class T>
Status polish(ScaledRun<T>& run, T* x, double* remainder) noexcept {
  constexpr unsigned kMost = 8;  // each squares the residual: 0.5 is below 1e-16 after six
  const std::size_t n = run.problem.n;
  Certificate& certificate = run.certificate;
  while (certificate.residual > run.problem.tolerance && certificate.refinements < kMost) {
    Status status = run.correct(remainder, x);
    if (status != Status::ok) return status;
    Certificate after = certificate;
    status = certify(run.execution, n, run.a, run.problem.damping, run.next.data(), remainder, after);
    if (status != Status::ok) return status;
    certificate.flops = after.flops;
    const double before = certificate.residual;
    if (!(after.residual < before)) break;
    certificate.residual = after.residual;
    ++certificate.refinements;
    std::copy_n(run.next.data(), n * n, x);
    if (!(after.residual <= before / 2)) break;
  }
  return Status::ok;
}

template <class T>
Status scaled_matrix(const Execution& execution, const ScaledInverse<T>& p, std::size_t b) noexcept {
  const std::size_t n = p.n;
  Certificate& certificate = p.certificates[b] = {};
  T* x = p.x + b * n * n;
  const T* a = p.a + b * n * n;
  HyperpowerInterval interval;
  interval.roundoff = std::numeric_limits<T>::epsilon() / 2;
  Status status = interval.find(execution, n, a, p.damping, p.lambda_min, p.lambda_max);
  certificate.flops = interval.flops;
  ScaledRun<T> run{execution, p, a, certificate, {}, {}, {}};
  Buffer<double> remainder(n * n);
  if (status == Status::ok) status = remainder ? run.open() : Status::out_of_memory;
  while (status == Status::ok) {
    Guard guard = Guard::fits;
    status = run.run(interval, x, guard);
    if (status != Status::ok) break;
    if (guard == Guard::fits) {
      status = certify(execution, n, a, p.damping, x, remainder.data(), certificate);
      // ||I - A X||_F >= 1/2: an eigenvalue that the guard could not see among the others.
      const double left = certificate.residual * std::sqrt(interval.order);
      if (status != Status::ok || left < 0.5) break;
      guard = left <= 1.01 * std::sqrt(interval.order) ? Guard::stuck : Guard::grew;
    }
    status = interval.widen(guard == Guard::grew);
    ++certificate.restarts;
  }
  certificate.lambda_min = interval.a;
  certificate.lambda_max = interval.b;
  if (numerical(status)) return no_inverse(certificate, status, n, x);
  if (status == Status::ok) status = polish(run, x, remainder.data());
  if (status == Status::ok && !(certificate.residual <= p.tolerance)) certificate.status = Status::stagnated;
  return status;
}

template <class Problem, class Solve>
Status for_batch(const Execution& execution, const Problem& p, const Solve& solve) noexcept {
  return for_each_matrix(execution, p.batch, p.n,
                         [&](const Execution& inner, std::size_t b) { return solve(inner, p, b); });
}

}  // namespace

Status textbook_inverse(const Execution& execution, const TextbookInverse<float>& problem) noexcept {
  return for_batch(execution, problem, textbook_matrix<float>);
}
Status textbook_inverse(const Execution& execution, const TextbookInverse<double>& problem) noexcept {
  return for_batch(execution, problem, textbook_matrix<double>);
}
Status scaled_inverse(const Execution& execution, const ScaledInverse<float>& problem) noexcept {
  return for_batch(execution, problem, scaled_matrix<float>);
}
Status scaled_inverse(const Execution& execution, const ScaledInverse<double>& problem) noexcept {
  return for_batch(execution, problem, scaled_matrix<double>);
}

}  // namespace gradsift
