#include "native/linalg/woodbury.h"

#include <algorithm>
#include <cmath>

#include "native/core/buffer.h"
#include "native/linalg/cholesky_factor.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/row_gram.h"
#include "native/linalg/residual.h"
#include "native/linalg/rows.h"
#include "native/linalg/spectral_bounds.h"

namespace gradsift {

namespace {

template <class T>
struct Woodbury {
  const Execution& execution;
  const WoodburySolve<T>& problem;
  Certificate& certificate;
  CholeskyFactor<double> cholesky;
  Buffer<double> weights;  // rhs x count

  // Factors K = M M' + (damping / scale) I.
  Status factor() noexcept {
    const std::size_t count = problem.count;
    const double rows = static_cast<double>(count);
    Buffer<double> gram(count * count);
    weights = Buffer<double>(problem.rhs * count);
    if (!gram || !weights) return Status::out_of_memory;
    Status status = row_gram(execution, RowGram<T>{problem.rows, count, problem.n, gram.data()});
    const double shift = problem.damping / problem.scale;
    SpectralBounds bounds;
    // scale M' M and scale M M' share their non-zero eigenvalues.
    if (status == Status::ok) status = norm_bounds(execution, count, gram.data(), shift, bounds);
    certificate.lambda_max = problem.scale * bounds.upper;
    certificate.flops = rows * (rows + 1) * static_cast<double>(problem.n) + CholeskyFactor<double>::factor_flops(rows);
    for (std::size_t i = 0; i < count; ++i) gram[i * count + i] += shift;
    return status == Status::ok ? cholesky.factor(execution, count, 0, std::move(gram)) : status;
  }

  // out = W M' as [rhs][count], then out = out M added to `sum` after scaling: the two passes that everything needs.
  Status to_rows(const double* w, double alpha) noexcept {
    certificate.flops += pass_flops();
    return row_dots(execution, Dots<T>{problem.count, problem.rhs, problem.n, problem.rows, problem.n, w, problem.n,
                                       alpha, 0.0, weights.data(), problem.count});
  }
  Status from_rows(double* sum) noexcept {
    certificate.flops += pass_flops();
    return add_weighted_rows(execution, WeightedRows<T>{problem.count, problem.rhs, problem.n, problem.rows, problem.n,
                                                        weights.data(), problem.count, sum, problem.n});
  }
  double pass_flops() const noexcept {
    return 2.0 * static_cast<double>(problem.count) * static_cast<double>(problem.n) * static_cast<double>(problem.rhs);
  }

  // out = (V - S M) / damping for any right-hand sides.
  Status apply(const double* v, double* out) noexcept {
    const std::size_t size = problem.rhs * problem.n;
    Status status = to_rows(v, 1);
    if (status == Status::ok) status = cholesky.solve(execution, problem.rhs, weights.data());
    if (status != Status::ok) return status;
    const double rows = static_cast<double>(problem.count), rhs = static_cast<double>(problem.rhs);
    certificate.flops += CholeskyFactor<double>::solve_flops(rows, rhs);
    convert(weights.size(), weights.data(), -1 / problem.damping, weights.data());
    convert(size, v, 1 / problem.damping, out);
    return from_rows(out);
  }

  // remainder = V - damping H - scale (H M') M
  Status residual(const double* v, const double* h, double* remainder, double& value) noexcept {
    const std::size_t size = problem.rhs * problem.n;
    Status status = to_rows(h, -problem.scale);
    if (status != Status::ok) return status;
    for (std::size_t i = 0; i < size; ++i) remainder[i] = v[i] - problem.damping * h[i];
    status = from_rows(remainder);
    const double left = frobenius_norm(problem.rhs, problem.n, remainder);
    value = left == 0 ? 0 : left / frobenius_norm(problem.rhs, problem.n, v);
    return status;
  }
};

// H with refinement while the residual is above the tolerance and at least halves.
template <class T>
Status solve_refined(Woodbury<T>& woodbury, const double* v, double* h) noexcept {
  constexpr unsigned kMost = 3;
  const std::size_t size = woodbury.problem.rhs * woodbury.problem.n;
  Certificate& certificate = woodbury.certificate;
  Buffer<double> remainder(size), refined(size);
  if (!remainder || !refined) return Status::out_of_memory;
  Status status = woodbury.apply(v, h);
  if (status == Status::ok) status = woodbury.residual(v, h, remainder.data(), certificate.residual);
  while (status == Status::ok && certificate.residual > woodbury.problem.tolerance && certificate.refinements < kMost) {
    status = woodbury.apply(remainder.data(), refined.data());
    if (status != Status::ok) return status;
    for (std::size_t i = 0; i < size; ++i) refined[i] += h[i];
    double residual = 0;
    status = woodbury.residual(v, refined.data(), remainder.data(), residual);
    const double before = certificate.residual;
    if (status != Status::ok || !(residual < before)) return status;
    std::copy_n(refined.data(), size, h);
    certificate.residual = residual;
    ++certificate.refinements;
    if (!(residual <= before / 2)) return status;
  }
  return status;
}

template <class T>
Status solve(const Execution& execution, const WoodburySolve<T>& p) noexcept {
  const std::size_t size = p.rhs * p.n;
  Certificate& certificate = *p.certificates = {};
  certificate.lambda_min = p.damping;
  Buffer<double> v(size);  // H may be V
  if (!v) return Status::out_of_memory;
  std::copy_n(p.v, size, v.data());
  const double norm_v = frobenius_norm(p.rhs, p.n, v.data());
  Woodbury<T> woodbury{execution, p, certificate, {}, {}};
  Status status = std::isfinite(norm_v) ? Status::ok : Status::non_finite;
  if (status == Status::ok && !(p.damping > 0)) status = Status::not_positive_definite;
  if (status == Status::ok) status = woodbury.factor();
  if (status == Status::ok) status = solve_refined(woodbury, v.data(), p.h);
  if (status == Status::ok && !std::isfinite(certificate.residual)) status = Status::non_finite;
  if (numerical(status)) {
    reject(certificate, status, size, p.h, norm_v == 0);
    return Status::ok;
  }
  if (!(certificate.residual <= p.tolerance)) certificate.status = Status::stagnated;
  return status;
}

}  // namespace

Status woodbury_solve(const Execution& execution, const WoodburySolve<float>& problem) noexcept {
  return solve(execution, problem);
}
Status woodbury_solve(const Execution& execution, const WoodburySolve<double>& problem) noexcept {
  return solve(execution, problem);
}

}  // namespace gradsift
