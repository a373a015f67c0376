#include "native/linalg/cholesky.h"

#include <algorithm>
#include <cmath>

#include "native/linalg/cholesky_batched.h"
#include "native/linalg/cholesky_factor.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/residual.h"
#include "native/linalg/spectral_bounds.h"

namespace gradsift {

namespace {

// Factors A + damping I and solves for the rows of h, which hold V on entry. A few right-hand sides ride along with the
// factorisation; as many rows as A has would be a matrix of four times its size.
template <class T>
Status factor_and_solve(const Execution& execution, const CholeskySolve<T>& p, const T* a, T* h,
                        CholeskyFactor<T>& cholesky, Certificate& certificate) noexcept {
  SpectralBounds bounds;
  Status status = norm_bounds(execution, p.n, a, p.damping, bounds);
  certificate.lambda_min = p.damping;
  certificate.lambda_max = bounds.upper;
  certificate.flops = bounds.flops + CholeskyFactor<T>::factor_flops(static_cast<double>(p.n));
  if (status != Status::ok) return status;
  const std::size_t n = p.n, riding = p.rhs <= n / 8 ? p.rhs : 0, stride = n + riding;
  Buffer<T> matrix(stride * stride);
  if (!matrix) return Status::out_of_memory;
  T* rows = matrix.data();
  status = for_each_row(execution, stride, n, [=, &p](std::size_t i) {
    if (i >= n) {
      std::copy_n(h + (i - n) * n, n, rows + i * stride);
    } else {
      std::copy_n(a + i * n, i, rows + i * stride);
      rows[i * stride + i] = static_cast<T>(static_cast<double>(a[i * n + i]) + p.damping);
    }
  });
  if (status == Status::ok) status = cholesky.factor(execution, n, riding, std::move(matrix));
  if (status != Status::ok) return status;
  if (riding == 0) return cholesky.solve(execution, p.rhs, h);
  for (std::size_t i = 0; i < riding; ++i) std::copy_n(cholesky.solutions() + i * stride, n, h + i * n);
  return Status::ok;
}

// One step of refinement: h + A^-1 remainder replaces h if its residual is smaller.
template <class T>
Status refine(const Execution& execution, const CholeskyFactor<T>& cholesky, const SolveResidual<T>& check, T* h,
              Certificate& certificate) noexcept {
  const std::size_t count = check.rhs * check.n;
  Buffer<T> refined(count);
  if (!refined) return Status::out_of_memory;
  convert(count, check.remainder, 1, refined.data());
  Status status = cholesky.solve(execution, check.rhs, refined.data());
  if (status != Status::ok) return status;
  for (std::size_t i = 0; i < count; ++i) refined[i] += h[i];
  SolveResidual<T> again = check;
  double residual = 0;
  again.h = refined.data();
  again.residual = &residual;
  status = solve_residual(execution, again);
  if (status == Status::ok && residual < certificate.residual) {
    certificate.residual = residual;
    certificate.refinements = 1;
    std::copy_n(refined.data(), count, h);
  }
  return status;
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
  std::copy_n(v.data(), count, h);
  const double size = frobenius_norm(p.rhs, n, v.data());
  CholeskyFactor<T> cholesky;
  Status status =
      std::isfinite(size) ? factor_and_solve(execution, p, a, h, cholesky, certificate) : Status::non_finite;
  if (status == Status::ok) {
    const SolveResidual<T> check{n, p.rhs, a, p.damping, v.data(), h, remainder.data(), &certificate.residual};
    status = solve_residual(execution, check);
    if (status == Status::ok && certificate.residual > p.tolerance) {
      status = refine(execution, cholesky, check, h, certificate);
    }
    // The solve and the residual cost the same; both are done once more for each step of refinement.
    const double work = 2 * CholeskyFactor<T>::solve_flops(static_cast<double>(n), static_cast<double>(p.rhs));
    certificate.flops += work * (1 + certificate.refinements);
    if (status == Status::ok && !std::isfinite(certificate.residual)) status = Status::non_finite;  // overflow
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
  if (p.n <= kSideBySide) return cholesky_solve_side_by_side<T>(execution, p, solve_matrix<T>);
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
