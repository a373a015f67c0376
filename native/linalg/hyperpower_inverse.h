#pragma once
// The inverse of A + damping I by the hyperpower (Newton-Schulz) iteration, as published and scaled.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/certificate.h"

namespace gradsift {

// X = (A + damping I)^-1 for each matrix of a batch. A, X: [batch][n][n], apart, A symmetric. Products run in T, the
// residual ||I - A X||_F / sqrt(n) is recomputed in float64.

// The paper's iteration: X_0 = alpha I, X_{k+1} = X_k (2 I - A X_k); two full products a step. Converges if and only if
// 0 < alpha < 2 / mu_max. Runs `steps` steps; with stop_at > 0 fewer, when
// ||I - A X_k||_F / sqrt(n) <= stop_at or only rounding is left. Status ok when the residual is at most `tolerance`;
// diverged when it outgrew its start or alpha mu_max > 2 is certain.
template <class T>
struct TextbookInverse {
  std::size_t batch = 1, n = 0;
  const T* a = nullptr;
  double damping = 0;
  double alpha = 0;  // 0: 1 / ||A + damping I||_F
  unsigned steps = 0;
  double stop_at = 0;
  double tolerance = 0;
  T* x = nullptr;
  Certificate* certificates = nullptr;  // [batch]
};

Status textbook_inverse(const Execution& execution, const TextbookInverse<float>& problem) noexcept;
Status textbook_inverse(const Execution& execution, const TextbookInverse<double>& problem) noexcept;

// The scaled iteration (hyperpower_plan.h) of order 2 or 3, one triangular product for each. The residual of the
// recursion itself is compared with rho_k at each step, and the run restarted with a wider interval when it is larger.
// At the end X takes self-correcting steps X + X (I - A X) while the certified residual is above the tolerance and at
// least halves.
template <class T>
struct ScaledInverse {
  std::size_t batch = 1, n = 0;
  const T* a = nullptr;
  double damping = 0;
  double lambda_min = 0, lambda_max = 0;  // of A + damping I; 0: unknown
  unsigned order = 2;
  double tolerance = 0;
  T* x = nullptr;
  Certificate* certificates = nullptr;  // [batch]
};

Status scaled_inverse(const Execution& execution, const ScaledInverse<float>& problem) noexcept;
Status scaled_inverse(const Execution& execution, const ScaledInverse<double>& problem) noexcept;

}  // namespace gradsift
