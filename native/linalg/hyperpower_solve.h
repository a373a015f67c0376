#pragma once
// The inverse-free hyperpower solve: H = (A + damping I)^-1 V by one triangular product a doubling.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/certificate.h"

namespace gradsift {

// For each matrix of a batch. A: [batch][n][n] symmetric; V, H: [batch][rhs][n], one right-hand side a row; H may be V.
// The factors R_0 ... R_{K-1} (K n^2 values) are formed in float32 when `mixed`, else in float64, and applied in
// reverse order. X_K then preconditions conjugate gradients on the float64 matrix: the first step is X_K V, each
// further one refines, until the certified residual is at most `tolerance`.
template <class T>
struct HyperpowerSolve {
  std::size_t batch = 1, n = 0, rhs = 0;
  const T* a = nullptr;
  double damping = 0;
  double lambda_min = 0, lambda_max = 0;  // of A + damping I; 0: unknown
  const T* v = nullptr;
  T* h = nullptr;
  double tolerance = 0;
  bool mixed = false;
  Certificate* certificates = nullptr;  // [batch]
};

Status hyperpower_solve(const Execution& execution, const HyperpowerSolve<float>& problem) noexcept;
Status hyperpower_solve(const Execution& execution, const HyperpowerSolve<double>& problem) noexcept;

}  // namespace gradsift
