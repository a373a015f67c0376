#include "native/linalg/gemm.h"

#include "native/linalg/packed_product.h"
#include "native/linalg/small_product.h"

namespace gradsift {

namespace {

// One B for all, and the rows of A and C of one item after those of the last: a single product of batch * m rows.
template <class T>
Gemm<T> stacked(const Gemm<T>& gemm) noexcept {
  Gemm<T> one = gemm;
  const bool follows =
      gemm.a.batch_stride == gemm.m * gemm.a.row_stride && gemm.c.batch_stride == gemm.m * gemm.c.row_stride;
  if (gemm.b.batch_stride == 0 && follows) {
    one.m = gemm.batch * gemm.m;
    one.batch = 1;
  }
  return one;
}

template <class T>
Status packed(const Execution& execution, const Gemm<T>& gemm) noexcept {
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

// Which way depends on sizes, strides and the machine. Both sum in order within blocks of kDepthBlock: they give the
// same bits.
template <class T>
Status multiply(const Execution& execution, const Gemm<T>& gemm) noexcept {
  const Gemm<T> one = stacked(gemm);
  return is_small(one) ? small_product(execution, one) : packed(execution, one);
}

}  // namespace

Status gemm(const Execution& execution, const Gemm<float>& problem) noexcept { return multiply(execution, problem); }
Status gemm(const Execution& execution, const Gemm<double>& problem) noexcept { return multiply(execution, problem); }

}  // namespace gradsift
