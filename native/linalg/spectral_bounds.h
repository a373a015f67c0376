#pragma once
// Bounds of the spectrum of a symmetric matrix: norms that always hold, Lanczos that is nearly always much closer.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// Of A + damping I.
struct SpectralBounds {
  double certain = 0;    // min(||A||_F, ||A||_inf) >= |mu| for every eigenvalue. (The trace is never below ||A||_F.)
  double frobenius = 0;  // ||A||_F
  double ritz_min = 0, ritz_max = 0;  // Ritz values: inside [mu_min, mu_max] up to rounding
  double upper = 0;                   // min(certain, kSafety (ritz_max + its residual)): nearly always above mu_max
  double flops = 0;
};

// Norms only: one pass over A. non_finite when an entry is NaN or infinite.
template <class T>
Status norm_bounds(const Execution& execution, std::size_t n, const T* a, double damping, SpectralBounds& out) noexcept;

// Steps that bring the upper end within a few per cent on Fisher matrices (a step is one product with a vector).
inline constexpr unsigned kUpperSteps = 8;
// Steps used where the lower end is wanted too: exact for n <= 40, an estimate above.
inline constexpr unsigned kBothEndsSteps = 40;

// Norms, then at most `steps` Lanczos steps from a fixed pseudo-random start, in float64, fully reorthogonalised.
template <class T>
Status spectral_bounds(const Execution& execution, std::size_t n, const T* a, double damping, unsigned steps,
                       SpectralBounds& out) noexcept;

}  // namespace gradsift
