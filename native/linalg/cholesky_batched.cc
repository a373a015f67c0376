#include "native/linalg/cholesky_batched.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "native/core/buffer.h"
#include "native/linalg/cholesky_factor.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/residual.h"
#include "native/linalg/side_by_side.h"
#include "native/linalg/spectral_bounds.h"

namespace gradsift {

namespace {

// Sums of squares between these are exact enough: neither they nor those of a remainder 1e-50 times smaller overflow or
// vanish in float64.
constexpr double kLeastSquares = 1e-200, kMostSquares = 1e200;

double bound_flops(double n) noexcept { return 4 * n * n; }

// The right-hand sides of one group, in lanes.
template <class T>
class GroupSolve {
 public:
  GroupSolve(const CholeskySolve<T>& problem, SideBySide<T>& group, std::size_t first, std::size_t used) noexcept
      : p_(problem), group_(group), first_(first), used_(used), count_(problem.rhs * problem.n) {}

  Status run(const Execution& execution, SolveAlone<T> alone) noexcept {
    const std::size_t elements = count_ * group_.lanes();
    v_ = Buffer<T>(elements);
    h_ = Buffer<T>(elements);
    remainder_ = Buffer<T>(elements);
    if (!v_ || !h_ || !remainder_) return Status::out_of_memory;
    double size[kMaxLanes];
    group_.factor(used_, p_.a + first_ * p_.n * p_.n, size);
    group_.carry_in(used_, count_, p_.v + first_ * count_, v_.data());
    std::copy_n(v_.data(), elements, h_.data());
    group_.solve(p_.rhs, 0, h_.data());
    judge(size);
    for (std::size_t l = 0; l < used_; ++l) {
      if (fine_[l] && p_.certificates[first_ + l].residual > p_.tolerance) {
        if (!refine()) return Status::out_of_memory;
        break;
      }
    }
    return finish(execution, alone);
  }

 private:
  // Certificates of the lanes that are plainly fine.
  void judge(const double (&size)[kMaxLanes]) noexcept {
    double left[kMaxLanes];
    group_.squares(count_, v_.data(), whole_);
    group_.residual(p_.rhs, v_.data(), h_.data(), remainder_.data(), left);
    const double n = static_cast<double>(p_.n), rhs = static_cast<double>(p_.rhs);
    for (std::size_t l = 0; l < used_; ++l) {
      fine_[l] = group_.positive(l) && whole_[l] > kLeastSquares && whole_[l] < kMostSquares && left[l] < kMostSquares;
      Certificate& certificate = p_.certificates[first_ + l] = {};
      certificate.lambda_min = p_.damping;
      certificate.lambda_max = size[l];
      certificate.residual = std::sqrt(left[l] / whole_[l]);
      // The solve and the residual cost the same.
      certificate.flops =
          bound_flops(n) + CholeskyFactor<T>::factor_flops(n) + 2 * CholeskyFactor<T>::solve_flops(n, rhs);
    }
  }

  // One step for the lanes above the tolerance: h + A^-1 remainder replaces h where its residual is smaller.
  bool refine() noexcept {
    const std::size_t lanes = group_.lanes(), elements = count_ * lanes;
    Buffer<T> refined(elements);
    if (!refined) return false;
    group_.solve(p_.rhs, 0, remainder_.data());
    for (std::size_t i = 0; i < elements; ++i) refined[i] = h_[i] + remainder_[i];
    double left[kMaxLanes];
    group_.residual(p_.rhs, v_.data(), refined.data(), nullptr, left);
    for (std::size_t l = 0; l < used_; ++l) {
      Certificate& certificate = p_.certificates[first_ + l];
      if (!(certificate.residual > p_.tolerance)) continue;
      const double residual = std::sqrt(left[l] / whole_[l]);
      if (!(residual < certificate.residual)) continue;
      certificate.residual = residual;
      certificate.refinements = 1;
      certificate.flops += 2 * CholeskyFactor<T>::solve_flops(static_cast<double>(p_.n), static_cast<double>(p_.rhs));
      for (std::size_t i = l; i < elements; i += lanes) h_[i] = refined[i];
    }
    return true;
  }

  Status finish(const Execution& execution, SolveAlone<T> alone) noexcept {
    T* out = p_.h + first_ * count_;
    const bool all = std::all_of(fine_, fine_ + used_, [](bool fine) { return fine; });
    T* rows = all ? out : v_.data();  // H may be V, of which the lanes that are not fine still have need
    group_.carry_out(used_, count_, h_.data(), rows);
    for (std::size_t l = 0; l < used_; ++l) {
      const std::size_t b = first_ + l;
      if (fine_[l]) {
        if (!all) std::copy_n(rows + l * count_, count_, out + l * count_);
        if (!(p_.certificates[b].residual <= p_.tolerance)) p_.certificates[b].status = Status::stagnated;
      } else if (const Status status = alone(execution, p_, b); status != Status::ok) {
        return status;
      }
    }
    return Status::ok;
  }

  const CholeskySolve<T>& p_;
  SideBySide<T>& group_;
  const std::size_t first_, used_, count_;
  Buffer<T> v_, h_, remainder_;
  double whole_[kMaxLanes];
  bool fine_[kMaxLanes];
};

// The general way for one matrix: V = I.
template <class T>
Status inverse_matrix(const Execution& execution, const CholeskyInverse<T>& p, std::size_t b) noexcept {
  const std::size_t n = p.n;
  const double order = static_cast<double>(n);
  Certificate& certificate = p.certificates[b] = {};
  const T* a = p.a + b * n * n;
  T* x = p.x + b * n * n;
  SpectralBounds bounds;
  Status status = norm_bounds(execution, n, a, p.damping, bounds);
  certificate.lambda_min = p.damping;
  certificate.lambda_max = bounds.upper;
  certificate.flops = bound_flops(order) + CholeskyFactor<T>::factor_flops(order) +
                      CholeskyFactor<T>::solve_flops(order, order) + 2 * order * order * order;
  Buffer<T> matrix(n * n);
  Buffer<double> remainder(n * n);
  if (!matrix || !remainder) return Status::out_of_memory;
  CholeskyFactor<T> cholesky;
  if (status == Status::ok) status = shifted_copy(execution, n, a, 1, p.damping, matrix.data());
  if (status == Status::ok) status = cholesky.factor(execution, n, 0, std::move(matrix));
  if (status == Status::ok) {
    std::fill_n(x, n * n, T(0));
    for (std::size_t i = 0; i < n; ++i) x[i * (n + 1)] = 1;
    status = cholesky.solve(execution, n, x);
  }
  if (status == Status::ok) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) x[i * n + j] = x[j * n + i];
    }
    status = inverse_residual(execution, {n, a, p.damping, x, remainder.data(), &certificate.residual});
    if (status == Status::ok && !std::isfinite(certificate.residual)) status = Status::non_finite;  // overflow
  }
  if (numerical(status)) {
    reject(certificate, status, n * n, x, false);
    return Status::ok;
  }
  if (!(certificate.residual <= p.tolerance)) certificate.status = Status::stagnated;
  return status;
}

template <class T>
Status inverse_group(const Execution& execution, const CholeskyInverse<T>& p, SideBySide<T>& group, std::size_t first,
                     std::size_t used) noexcept {
  constexpr std::size_t together = 4;  // right-hand sides that start at the same row
  const std::size_t n = p.n, lanes = group.lanes(), elements = n * n, row = n * lanes;
  const double order = static_cast<double>(n);
  Buffer<T> lanes_of(elements * lanes);
  if (!lanes_of) return Status::out_of_memory;
  T* x = lanes_of.data();
  double size[kMaxLanes], left[kMaxLanes];
  group.factor(used, p.a + first * elements, size);
  std::fill_n(x, elements * lanes, T(0));
  for (std::size_t i = 0; i < n; ++i) std::fill_n(x + i * (row + lanes), lanes, T(1));
  // Column j of the inverse from row j on: a third of what the whole would cost. The rest is its mirror image.
  for (std::size_t j = 0; j < n; j += together) group.solve(std::min(together, n - j), j, x + j * row);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) std::copy_n(x + j * row + i * lanes, lanes, x + i * row + j * lanes);
  }
  group.residual(n, nullptr, x, nullptr, left);
  group.carry_out(used, elements, x, p.x + first * elements);
  for (std::size_t l = 0; l < used; ++l) {
    const std::size_t b = first + l;
    if (!group.positive(l) || !(left[l] < kMostSquares)) {
      if (const Status status = inverse_matrix(execution, p, b); status != Status::ok) return status;
      continue;
    }
    Certificate& certificate = p.certificates[b] = {};
    certificate.lambda_min = p.damping;
    certificate.lambda_max = size[l];
    certificate.residual = std::sqrt(left[l] / order);
    certificate.flops = bound_flops(order) + (1 + 2) * order * order * order;
    if (!(certificate.residual <= p.tolerance)) certificate.status = Status::stagnated;
  }
  return Status::ok;
}

template <class T>
Status inverse_batch(const Execution& execution, const CholeskyInverse<T>& p) noexcept {
  if (p.n > kSideBySide) {
    return for_each_matrix(execution, p.batch, p.n,
                           [&](const Execution& inner, std::size_t b) { return inverse_matrix(inner, p, b); });
  }
  Execution alone = execution;
  alone.threads = 1;
  return for_each_group<T>(execution, p.batch, p.n, p.damping, 2 * p.n * p.n * p.n,
                           [&](SideBySide<T>& group, std::size_t first, std::size_t used) {
                             return inverse_group(alone, p, group, first, used);
                           });
}

}  // namespace

template <class T>
Status cholesky_solve_side_by_side(const Execution& execution, const CholeskySolve<T>& p,
                                   SolveAlone<T> alone) noexcept {
  Execution one = execution;
  one.threads = 1;
  return for_each_group<T>(execution, p.batch, p.n, p.damping, p.n * p.n * (p.n / 6 + 4 * p.rhs),
                           [&](SideBySide<T>& group, std::size_t first, std::size_t used) {
                             return GroupSolve<T>(p, group, first, used).run(one, alone);
                           });
}

template Status cholesky_solve_side_by_side(const Execution&, const CholeskySolve<float>&, SolveAlone<float>) noexcept;
template Status cholesky_solve_side_by_side(const Execution&, const CholeskySolve<double>&,
                                            SolveAlone<double>) noexcept;

Status cholesky_inverse(const Execution& execution, const CholeskyInverse<float>& problem) noexcept {
  return inverse_batch(execution, problem);
}
Status cholesky_inverse(const Execution& execution, const CholeskyInverse<double>& problem) noexcept {
  return inverse_batch(execution, problem);
}

}  // namespace gradsift
