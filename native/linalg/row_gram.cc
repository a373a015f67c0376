#include "native/linalg/row_gram.h"

#include "native/linalg/packed_product.h"

namespace gradsift {

namespace {

template <class T>
Status gram(const Execution& execution, const RowGram<T>& problem) noexcept {
  Product<T, T, double> product;
  product.m = product.n = problem.count;
  product.k = problem.length;
  product.a = product.b = {problem.rows, problem.length, 1};
  product.c = problem.out;
  product.c_stride = problem.count;
  product.lower = true;
  const Status status = packed_product<double>(execution, product);
  if (status != Status::ok) return status;
  return mirror_lower(execution, 1, problem.count, 0.0, problem.out, problem.count, 0);
}

}  // namespace

Status row_gram(const Execution& execution, const RowGram<float>& problem) noexcept { return gram(execution, problem); }

Status row_gram(const Execution& execution, const RowGram<double>& problem) noexcept {
  return gram(execution, problem);
}

}  // namespace gradsift
