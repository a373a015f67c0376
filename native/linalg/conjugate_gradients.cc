#include "native/linalg/conjugate_gradients.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "native/core/buffer.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/gemm.h"
#include "native/linalg/residual.h"
#include "native/linalg/spectral_bounds.h"
#include "native/linalg/widened.h"

namespace gradsift {

namespace {

// One row's share of the block.
struct RowState {
  double rz = 0;      // <r, z>
  bool done = false;  // converged, or given up
  Status status = Status::ok;
};

struct Block {
  const Execution& execution;
  const CgIteration& problem;
  Buffer<double> p, q, z;
  Buffer<RowState> rows;

  explicit Block(const Execution& e, const CgIteration& i) noexcept
      : execution(e),
        problem(i),
        p(i.rhs * i.n),
        q(i.rhs * i.n),
        z(i.preconditioner == nullptr ? 0 : i.rhs * i.n),
        rows(i.rhs) {}
  explicit operator bool() const noexcept { return p && q && z && rows; }

  const double* preconditioned() const noexcept { return problem.preconditioner == nullptr ? problem.r : z.data(); }

  Status precondition() noexcept {
    if (problem.preconditioner == nullptr) return Status::ok;
    return problem.preconditioner->apply(execution, problem.rhs, problem.r, z.data());
  }

  // Q = P (A + damping I)
  Status apply_matrix() noexcept {
    const std::size_t n = problem.n;
    convert(problem.rhs * n, p.data(), problem.damping, q.data());
    Gemm<double> product;
    product.m = problem.rhs;
    product.n = product.k = n;
    product.beta = 1;
    product.a = {p.data(), n, 1, 0};
    product.b = {problem.a, n, 1, 0};
    product.c = {q.data(), n, 1, 0};
    return gemm(execution, product);
  }

  Status start() noexcept {
    const Status status = precondition();
    if (status != Status::ok) return status;
    return each_row([this](std::size_t j, std::size_t n, double* r, double*, double* direction, double*) {
      const double* zj = preconditioned() + j * n;
      rows[j] = {dot(n, r, zj), false, Status::ok};
      std::copy_n(zj, n, direction);
      settle(j, n, r);
    });
  }

  // After Q is known: h += alpha p, r -= alpha q.
  Status advance() noexcept {
    return each_row([this](std::size_t j, std::size_t n, double* r, double* h, double* direction, double* image) {
      RowState& row = rows[j];
      if (row.done) return;
      const double curvature = dot(n, direction, image);
      if (!(curvature > 0) || !(row.rz > 0)) {
        const bool finite = std::isfinite(curvature) && std::isfinite(row.rz);
        row.status = finite ? Status::not_positive_definite : Status::non_finite;
        row.done = true;
        return;
      }
      const double alpha = row.rz / curvature;
      for (std::size_t i = 0; i < n; ++i) h[i] += alpha * direction[i];
      for (std::size_t i = 0; i < n; ++i) r[i] -= alpha * image[i];
      settle(j, n, r);
    });
  }

  // After Z is known: p = z + beta p.
  Status turn() noexcept {
    return each_row([this](std::size_t j, std::size_t n, double* r, double*, double* direction, double* image) {
      RowState& row = rows[j];
      if (row.done) return;
      const double* zj = preconditioned() + j * n;
      const double rz = dot(n, r, zj);
      double beta = rz / row.rz;
      if (problem.preconditioner != nullptr) {
        // <z, r - r_old> / <r_old, z_old>, where r - r_old = -alpha q and alpha = rz_old / <p, q>.
        beta = -dot(n, zj, image) / dot(n, direction, image);
      }
      row.rz = rz;
      for (std::size_t i = 0; i < n; ++i) direction[i] = zj[i] + beta * direction[i];
    });
  }

  void settle(std::size_t j, std::size_t n, const double* r) noexcept {
    const double size = norm(n, r);
    if (size <= problem.limits[j]) rows[j].done = true;
    if (!std::isfinite(size)) rows[j] = {0, true, Status::non_finite};
  }

  template <class Body>
  Status each_row(const Body& body) noexcept {
    const std::size_t n = problem.n;
    return for_each_row(execution, problem.rhs, n, [&](std::size_t j) {
      body(j, n, problem.r + j * n, problem.h + j * n, p.data() + j * n, q.data() + j * n);
    });
  }

  bool all_done() const noexcept {
    return std::all_of(rows.data(), rows.data() + rows.size(), [](const RowState& row) { return row.done; });
  }

  Status outcome() const noexcept {
    Status worst = Status::ok;
    for (std::size_t j = 0; j < rows.size(); ++j) {
      if (!rows[j].done && worst == Status::ok) worst = Status::step_limit;
      if (rows[j].status != Status::ok) worst = rows[j].status;
    }
    return worst;
  }
};

}  // namespace

Status cg_iterate(const Execution& execution, const CgIteration& problem, Certificate& certificate) noexcept {
  Block block(execution, problem);
  if (!block) return Status::out_of_memory;
  const double order = static_cast<double>(problem.n), rhs = static_cast<double>(problem.rhs);
  const double step_flops = 2 * order * order * rhs + 10 * order * rhs;
  Status status = block.start();
  if (problem.preconditioner != nullptr) certificate.flops += problem.preconditioner->flops;
  for (unsigned step = 0; status == Status::ok && step < problem.max_steps && !block.all_done(); ++step) {
    status = block.apply_matrix();
    if (status == Status::ok) status = block.advance();
    if (status != Status::ok) break;
    ++certificate.steps;
    certificate.flops += step_flops;
    if (block.all_done()) break;
    status = block.precondition();
    if (problem.preconditioner != nullptr) certificate.flops += problem.preconditioner->flops;
    if (status == Status::ok) status = block.turn();
  }
  if (status == Status::ok) certificate.status = block.outcome();  // a cancelled start leaves the rows unset
  return status;
}

Status cg_refine(const Execution& execution, const CgIteration& problem, const double* v, double tolerance,
                 Certificate& certificate) noexcept {
  constexpr int kRounds = 8;  // each at least halves the true residual; one is nearly always enough
  const std::size_t n = problem.n, count = problem.rhs * n;
  Buffer<double> limits(problem.rhs), best(count);
  if (!limits || !best) return Status::out_of_memory;
  for (std::size_t j = 0; j < problem.rhs; ++j) limits[j] = tolerance * norm(n, v + j * n);
  std::fill(problem.h, problem.h + count, 0.0);
  std::copy_n(v, count, problem.r);
  CgIteration iteration = problem;
  iteration.limits = limits.data();
  SolveResidual<double> check{n, problem.rhs, problem.a, problem.damping, v, problem.h, problem.r, nullptr};
  double reached = frobenius_norm(problem.rhs, n, v) == 0 ? 0 : 1;
  Status numerics = Status::ok;
  for (int round = 0; round < kRounds && reached > tolerance; ++round) {
    std::copy_n(problem.h, count, best.data());
    iteration.max_steps = problem.max_steps - std::min(problem.max_steps, certificate.steps);
    Status status = cg_iterate(execution, iteration, certificate);
    numerics = certificate.status;
    double residual = 0;
    check.residual = &residual;
    if (status == Status::ok) status = solve_residual(execution, check);
    if (status != Status::ok) return status;
    certificate.flops += 2.0 * static_cast<double>(count) * static_cast<double>(n);
    const double before = reached;
    if (residual < before) {
      reached = residual;
    } else {
      std::copy_n(best.data(), count, problem.h);
    }
    if (numerics == Status::step_limit || !(residual <= before / 2)) break;
  }
  certificate.residual = reached;
  certificate.status = Status::ok;
  if (reached > tolerance) certificate.status = numerics == Status::ok ? Status::stagnated : numerics;
  return Status::ok;
}

namespace {

template <class T>
Status solve_matrix(const Execution& execution, const CgSolve<T>& p, std::size_t b) noexcept {
  const std::size_t n = p.n, count = p.rhs * n;
  Certificate& certificate = p.certificates[b] = {};
  const T* a = p.a + b * n * n;
  T* h = p.h + b * count;
  SpectralBounds bounds;
  Status status = norm_bounds(execution, n, a, p.damping, bounds);
  certificate.lambda_min = p.damping;
  certificate.lambda_max = bounds.upper;
  certificate.flops = bounds.flops;
  const double size = frobenius_norm(p.rhs, n, p.v + b * count);
  if (status == Status::ok && !std::isfinite(size)) status = Status::non_finite;
  if (status == Status::ok) {
    Widened<T> matrix;
    Buffer<double> v(count), r(count), x(count);
    if (!v || !r || !x) return Status::out_of_memory;
    convert(count, p.v + b * count, 1, v.data());
    status = matrix.open(execution, n, n, a);
    if (status != Status::ok) return status;
    const CgIteration iteration{n, p.rhs, matrix.data(), p.damping, r.data(), x.data(), nullptr, p.max_steps, nullptr};
    status = cg_refine(execution, iteration, v.data(), p.tolerance, certificate);
    if (status != Status::ok) return status;
    convert(count, x.data(), 1, h);
    if constexpr (std::is_same_v<T, float>) {  // the residual of what is returned, not of what was computed
      convert(count, h, 1, x.data());
      status = solve_residual(execution, SolveResidual<double>{n, p.rhs, matrix.data(), p.damping, v.data(), x.data(),
                                                               r.data(), &certificate.residual});
      if (status != Status::ok) return status;
      if (!(certificate.residual <= p.tolerance) && certificate.status == Status::ok) {
        certificate.status = Status::stagnated;
      }
    }
  }
  if (numerical(status)) reject(certificate, status, count, h, size == 0);
  return numerical(status) ? Status::ok : status;
}

template <class T>
Status solve_batch(const Execution& execution, const CgSolve<T>& p) noexcept {
  return for_each_matrix(execution, p.batch, p.n,
                         [&](const Execution& inner, std::size_t b) { return solve_matrix(inner, p, b); });
}

}  // namespace

Status cg_solve(const Execution& execution, const CgSolve<float>& problem) noexcept {
  return solve_batch(execution, problem);
}
Status cg_solve(const Execution& execution, const CgSolve<double>& problem) noexcept {
  return solve_batch(execution, problem);
}

}  // namespace gradsift
