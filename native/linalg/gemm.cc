#include "native/linalg/gemm.h"

#include "native/linalg/packed_product.h"

namespace gradsift {

namespace {

template <class T>
Status multiply(const Execution& execution, const Gemm<T>& gemm) noexcept {
  Product<T, T, T> product;
  product.batch = gemm.batch;
  product.m = gemm.m;
  product.n = gemm.n;
  product.k = gemm.k;
  product.alpha = static_cast<double>(gemm.alpha);
  product.beta = static_cast<double>(gemm.beta);
  product.a = {gemm.a.data, gemm.a.row_stride, gemm.a.column_stride, gemm.a.batch_stride};
  product.b = {gemm.b.data, gemm.b.column_stride, gemm.b.row_stride, gemm.b.batch_stride};
  product.c = gemm.c.data;
  product.c_stride = gemm.c.row_stride;
  product.c_batch_stride = gemm.c.batch_stride;
  return packed_product<T>(execution, product);
}

}  // namespace

Status gemm(const Execution& execution, const Gemm<float>& problem) noexcept { return multiply(execution, problem); }
Status gemm(const Execution& execution, const Gemm<double>& problem) noexcept { return multiply(execution, problem); }

}  // namespace gradsift
