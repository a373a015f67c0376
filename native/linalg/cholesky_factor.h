#pragma once
// The Cholesky factorisation by itself: A = L L'.

#include <cstddef>

#include "native/core/buffer.h"
#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// L lies in the lower triangle, except for its diagonal blocks, which are kept as inverses: with them every further
// step is a matrix product.
template <class T>
class CholeskyFactor {
 public:
  // Takes over an array of n + rhs rows, as many columns apart, and overwrites it: first the rows of A, of which only
  // the lower triangle counts (the rest is scratch), then in the first n columns of the others right-hand sides X,
  // which become X A^-1. Half of their work rides along with the factorisation. not_positive_definite when a pivot is
  // not above n roundings of its diagonal entry, non_finite when it is not finite.
  Status factor(const Execution& execution, std::size_t n, std::size_t rhs, Buffer<T>&& matrix) noexcept;
  // The solutions of factor(), stride() apart.
  const T* solutions() const noexcept { return lower_.data() + n_ * stride_; }
  std::size_t stride() const noexcept { return stride_; }
  // X <- X A^-1: each of `rows` rows of X (row_stride n) is one right-hand side.
  Status solve(const Execution& execution, std::size_t rows, T* x) const noexcept;
  static double factor_flops(double n) noexcept { return n * n * n / 3; }
  static double solve_flops(double n, double rows) noexcept { return 2 * n * n * rows; }

 private:
  std::size_t n_ = 0, stride_ = 0;
  Buffer<T> lower_;
  Buffer<T> inverses_;
};

}  // namespace gradsift
