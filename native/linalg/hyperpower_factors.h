#pragma once
// The residuals R_0 ... R_{K-1} of the scaled iteration, kept: X_K = start * product of s_k (I + R_k).

#include <cstddef>

#include "native/core/buffer.h"
#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/hyperpower_interval.h"
#include "native/linalg/hyperpower_plan.h"

namespace gradsift {

// Frobenius norm of R_k from the trace of R_{k+1} = s R_k^2 + (1 - s) I: the guard costs n additions, not n^2.
template <class T>
double residual_norm_from_next(std::size_t n, const T* next, double scale) noexcept;

// R_0 = I - start (A + damping I)
template <class From, class T>
Status first_residual(const Execution& execution, std::size_t n, const From* a, double damping, double start,
                      T* out) noexcept;

// next = s R^2 + (1 - s) I: one triangular product.
template <class T>
Status next_residual(const Execution& execution, std::size_t n, const T* residual, double scale, T* next) noexcept;

// What the guard sees in ||R_k||_F, which sqrt(n) rho_k bounds while the spectrum lies in [a, b]. Eigenvalues in (0, a)
// shrink more slowly than rho (stuck); negative ones, and those above a + b, grow.
enum class Guard { fits, grew, stuck };
template <class T>
Guard check_residual(const HyperpowerScalars& scalars, const HyperpowerInterval& interval, unsigned k, double frobenius,
                     double previous) noexcept;

}  // namespace gradsift
