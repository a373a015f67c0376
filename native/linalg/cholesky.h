#pragma once
// Cholesky: the direct solver for A + damping I, and the building block of Woodbury.

#include <cstddef>

#include "native/core/buffer.h"
#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/certificate.h"

namespace gradsift {

// H = (A + damping I)^-1 V for each matrix of a batch. A: [batch][n][n], only its lower triangle is factored; V, H:
// [batch][rhs][n], one right-hand side a row; H may be V. Factor and solve run in T, the residual in float64.
// A float64 solution whose residual is above `tolerance` is refined once. A matrix that is not (numerically) positive
// definite gives not_positive_definite and H = 0.
template <class T>
struct CholeskySolve {
  std::size_t batch = 1, n = 0, rhs = 0;
  const T* a = nullptr;
  double damping = 0;
  const T* v = nullptr;
  T* h = nullptr;
  double tolerance = 0;
  Certificate* certificates = nullptr;  // [batch]
};

Status cholesky_solve(const Execution& execution, const CholeskySolve<float>& problem) noexcept;
Status cholesky_solve(const Execution& execution, const CholeskySolve<double>& problem) noexcept;

// The factorisation by itself: A = L L'. L lies in the lower triangle (the rest is scratch), beside the inverses of its
// diagonal blocks: with them every further step is a matrix product.
template <class T>
class CholeskyFactor {
 public:
  // Takes over an n x n matrix with a valid lower triangle and overwrites it. not_positive_definite when a pivot is not
  // above n roundings of its diagonal entry, non_finite when it is NaN.
  Status factor(const Execution& execution, std::size_t n, Buffer<T>&& matrix) noexcept;
  // X <- X A^-1: each of `rows` rows of X (row_stride n) is one right-hand side.
  Status solve(const Execution& execution, std::size_t rows, T* x) const noexcept;
  static double factor_flops(double n) noexcept { return n * n * n / 3; }
  static double solve_flops(double n, double rows) noexcept { return 2 * n * n * rows; }

 private:
  std::size_t n_ = 0;
  Buffer<T> lower_;
  Buffer<T> inverses_;
};

}  // namespace gradsift
