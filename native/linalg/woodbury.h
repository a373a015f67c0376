#pragma once
// Woodbury: the solve in the space of the gradient rows, for fewer rows than columns.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/certificate.h"

namespace gradsift {

// H = (damping I + scale M' M)^-1 V = (1 / damping) (V - S M),  S (M M' + (damping / scale) I) = V M'.
// M: [count][n] rows, float or double, never copied; V, H: [rhs][n] doubles; H may be V. The matrix itself is never
// formed: the residual, in float64, is V - damping H - scale (H M') M. A solution above `tolerance` is refined.
template <class T>
struct WoodburySolve {
  std::size_t count = 0, n = 0, rhs = 0;
  const T* rows = nullptr;
  double scale = 1;    // > 0
  double damping = 0;  // 0 gives not_positive_definite: M' M alone has no inverse when count < n
  const double* v = nullptr;
  double* h = nullptr;
  double tolerance = 0;
  Certificate* certificates = nullptr;  // [1]
};

Status woodbury_solve(const Execution& execution, const WoodburySolve<float>& problem) noexcept;
Status woodbury_solve(const Execution& execution, const WoodburySolve<double>& problem) noexcept;

}  // namespace gradsift
