#pragma once
// Conjugate gradients for a block of right-hand sides: each keeps its own scalars, the matrix is read once a step.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/certificate.h"

namespace gradsift {

// H = (A + damping I)^-1 V for each matrix of a batch. A: [batch][n][n] symmetric; V, H: [batch][rhs][n]; H may be V.
// Stops when every row's residual is at most `tolerance` of its norm (hence the whole block's too), or after max_steps.
// All vectors and sums are float64, whatever T is.
template <class T>
struct CgSolve {
  std::size_t batch = 1, n = 0, rhs = 0;
  const T* a = nullptr;
  double damping = 0;
  const T* v = nullptr;
  T* h = nullptr;
  double tolerance = 0;
  unsigned max_steps = 0;
  Certificate* certificates = nullptr;  // [batch]
};

Status cg_solve(const Execution& execution, const CgSolve<float>& problem) noexcept;
Status cg_solve(const Execution& execution, const CgSolve<double>& problem) noexcept;

// Z = M R: an approximate inverse, symmetric positive definite but for rounding.
struct Preconditioner {
  virtual Status apply(const Execution& execution, std::size_t rhs, const double* r, double* z) const noexcept = 0;
  double flops = 0;  // of one application

 protected:
  ~Preconditioner() = default;
};

// The iteration itself, on one matrix in float64: adds the solution of A D = R to h and replaces r (= V - A H on entry)
// by its updated value. Row j is left alone once ||r_j|| <= limits[j]. With a preconditioner the flexible
// (Polak-Ribiere) form is used, which forgives its rounding. steps and flops are added to the certificate; its status
// becomes ok, step_limit, not_positive_definite (a direction without curvature) or non_finite.
struct CgIteration {
  std::size_t n = 0, rhs = 0;
  const double* a = nullptr;
  double damping = 0;
  double* r = nullptr;
  double* h = nullptr;
  const double* limits = nullptr;
  unsigned max_steps = 0;
  const Preconditioner* preconditioner = nullptr;
};

Status cg_iterate(const Execution& execution, const CgIteration& problem, Certificate& certificate) noexcept;

// Runs cg_iterate from h = 0 on V, recomputes the residual, and starts again from the remainder while it is above the
// tolerance and at least halves: the certified residual is the true one. v and h: [rhs][n] doubles, apart.
Status cg_refine(const Execution& execution, const CgIteration& problem, const double* v, double tolerance,
                 Certificate& certificate) noexcept;

}  // namespace gradsift
