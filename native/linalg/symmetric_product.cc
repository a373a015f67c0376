#include "native/linalg/symmetric_product.h"

#include "native/linalg/packed_product.h"

namespace gradsift {

namespace {

template <class T>
Status multiply(const Execution& execution, const SymmetricProduct<T>& problem) noexcept {
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
