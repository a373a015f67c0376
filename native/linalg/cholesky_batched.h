#pragma once
// Cholesky for batches of small matrices: as many side by side as a register has lanes, factored and solved together.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/certificate.h"
#include "native/linalg/cholesky.h"

namespace gradsift {

// Up to this size matrices are solved side by side, a batch of one too: what a matrix gives must not depend on its
// company. Sixteen float32 matrices of 64 and their factors are 512 KiB, which a second-level cache holds.
inline constexpr std::size_t kSideBySide = 64;

template <class T>
using SolveAlone = Status (*)(const Execution& execution, const CholeskySolve<T>& problem, std::size_t b) noexcept;

// As cholesky_solve(), for n <= kSideBySide. Matrices that are not plainly fine (a pivot too small, something not
// finite, norms near the ends of float64, V = 0) go through `alone`, which knows all outcomes.
template <class T>
Status cholesky_solve_side_by_side(const Execution& execution, const CholeskySolve<T>& problem,
                                   SolveAlone<T> alone) noexcept;

// X = (A + damping I)^-1 for each matrix of a batch, of any size, symmetric to the last bit. A, X: [batch][n][n],
// apart; only the lower triangle of A is factored. Factor and inverse run in T, the residual ||I - A X||_F / sqrt(n) in
// float64; nothing is refined. A matrix that is not (numerically) positive definite gives not_positive_definite, X = 0.
template <class T>
struct CholeskyInverse {
  std::size_t batch = 1, n = 0;
  const T* a = nullptr;
  double damping = 0;
  double tolerance = 0;
  T* x = nullptr;
  Certificate* certificates = nullptr;  // [batch]
};

Status cholesky_inverse(const Execution& execution, const CholeskyInverse<float>& problem) noexcept;
Status cholesky_inverse(const Execution& execution, const CholeskyInverse<double>& problem) noexcept;

}  // namespace gradsift
