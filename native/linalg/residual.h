#pragma once
// The certificate: what a result leaves over, recomputed in float64 from the matrix that was given.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// residual = ||V - (A + damping I) H||_F / ||V||_F, 0 when V = 0. A: n x n. V, H: [rhs][n].
// remainder ([rhs][n] doubles) receives V - (A + damping I) H when it is not null. NaN in H gives a NaN residual.
template <class T>
struct SolveResidual {
  std::size_t n = 0, rhs = 0;
  const T* a = nullptr;
  double damping = 0;
  const T* v = nullptr;
  const T* h = nullptr;
  double* remainder = nullptr;
  double* residual = nullptr;
};

Status solve_residual(const Execution& execution, const SolveResidual<float>& problem) noexcept;
Status solve_residual(const Execution& execution, const SolveResidual<double>& problem) noexcept;

// residual = ||I - (A + damping I) X||_F / sqrt(n). remainder (n x n doubles) receives I - (A + damping I) X; required.
template <class T>
struct InverseResidual {
  std::size_t n = 0;
  const T* a = nullptr;
  double damping = 0;
  const T* x = nullptr;
  double* remainder = nullptr;
  double* residual = nullptr;
};

Status inverse_residual(const Execution& execution, const InverseResidual<float>& problem) noexcept;
Status inverse_residual(const Execution& execution, const InverseResidual<double>& problem) noexcept;

// ||x||_F of [rows][columns], from the norms of its rows in order.
template <class T>
double frobenius_norm(std::size_t rows, std::size_t columns, const T* x) noexcept;

}  // namespace gradsift
