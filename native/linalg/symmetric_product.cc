#include "native/linalg/symmetric_product.h"

#include <algorithm>

#include "native/linalg/packed_product.h"
#include "native/linalg/small_product.h"

namespace gradsift {

namespace {

// Up to this size nothing is packed: A, B and C stay in a second-level cache, and packing costs more than it gives.
constexpr std::size_t kSmallSide = 96;
// Rows at a time, which take the columns up to the last of them: what is computed above the diagonal is little, and
// each call long enough.
constexpr std::size_t kStrip = 32;

// The same sums in the same order as those of the packed product, and so the same bits.
template <class T>
Status multiply_small(const Execution& execution, const SymmetricProduct<T>& problem) noexcept {
  Gemm<T> strip;
  strip.batch = problem.batch;
  strip.k = problem.n;
  strip.alpha = problem.alpha;
  strip.beta = problem.beta;
  strip.b = {problem.b.data, problem.b.row_stride, 1, problem.b.batch_stride};
  for (std::size_t row = 0; row < problem.n; row += kStrip) {
    strip.m = std::min(kStrip, problem.n - row);
    strip.n = row + strip.m;
    strip.a = {problem.a.data + row * problem.a.row_stride, problem.a.row_stride, 1, problem.a.batch_stride};
    strip.c = {problem.c.data + row * problem.c.row_stride, problem.c.row_stride, 1, problem.c.batch_stride};
    const Status status = small_product(execution, strip);
    if (status != Status::ok) return status;
  }
  // A square in one strip: element (j, i) is the same products in the same order as (i, j).
  if (problem.n <= kStrip && problem.a.data == problem.b.data && problem.beta == 0) {
    for (std::size_t item = 0; item < problem.batch; ++item) {
      T* c = problem.c.data + item * problem.c.batch_stride;
      for (std::size_t i = 0; i < problem.n; ++i) c[i * problem.c.row_stride + i] += problem.gamma;
    }
    return Status::ok;
  }
  return mirror_lower(execution, problem.batch, problem.n, problem.gamma, problem.c.data, problem.c.row_stride,
                      problem.c.batch_stride);
}

template <class T>
Status multiply(const Execution& execution, const SymmetricProduct<T>& problem) noexcept {
  if (problem.n <= kSmallSide) return multiply_small(execution, problem);
  Product<T, T, T> product;
  product.batch = problem.batch;
  product.m = product.n = product.k = problem.n;
  product.alpha = static_cast<double>(problem.alpha);
  product.beta = static_cast<double>(problem.beta);
  // A is symmetric: line i of A is its column i, read down the rows so that the lines of a panel lie side by side.
  product.a = {problem.a.data, 1, problem.a.row_stride, problem.a.batch_stride};
  product.b = {problem.b.data, 1, problem.b.row_stride, problem.b.batch_stride};
  product.c = problem.c.data;
  product.c_stride = problem.c.row_stride;
  product.c_batch_stride = problem.c.batch_stride;
  product.lower = true;
  const Status status = packed_product<T>(execution, product);
  if (status != Status::ok) return status;
  return mirror_lower(execution, problem.batch, problem.n, problem.gamma, problem.c.data, problem.c.row_stride,
                      problem.c.batch_stride);
}

}  // namespace

Status symmetric_product(const Execution& execution, const SymmetricProduct<float>& problem) noexcept {
  return multiply(execution, problem);
}

Status symmetric_product(const Execution& execution, const SymmetricProduct<double>& problem) noexcept {
  return multiply(execution, problem);
}

}  // namespace gradsift
