#pragma once
// Cholesky: the direct solver for A + damping I, and the building block of Woodbury.

#include <cstddef>

#include "native/core/buffer.h"
#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/certificate.h"

namespace gradsift {

// H = (A + damping I)^-1 V for each matrix of a batch. A: [batch][n][n], only its lower triangle is factored; V, H:
// [batch][rhs][n], one right-hand side a row; H may be V. Factor and solve run in T, the residual in float64; a
// solution whose residual is above `tolerance` is refined once. Mixed: the factor is float32 and the solution refined
// until the tolerance, and where that fails (kappa of about 2^24) all is done again in float64. A matrix that is not
// (numerically) positive definite gives not_positive_definite and H = 0.
template <class T>
struct CholeskySolve {
  std::size_t batch = 1, n = 0, rhs = 0;
  const T* a = nullptr;
  double damping = 0;
  const T* v = nullptr;
  T* h = nullptr;
  double tolerance = 0;
  bool mixed = false;                   // of float64 only
  Certificate* certificates = nullptr;  // [batch]
};

Status cholesky_solve(const Execution& execution, const CholeskySolve<float>& problem) noexcept;
Status cholesky_solve(const Execution& execution, const CholeskySolve<double>& problem) noexcept;

}  // namespace gradsift
