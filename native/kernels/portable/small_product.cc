#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

// Row i of one item: sums for all its columns side by side, 16 at a time, so that B is read along memory.
template <class T>
void row(const SmallProduct<T>& product, const T* a, const T* b, T* c) noexcept {
  constexpr std::size_t width = 16;
  for (std::size_t first = 0; first < product.n; first += width) {
    const std::size_t columns = product.n - first < width ? product.n - first : width;
    T sum[width] = {};
    for (std::size_t p = 0; p < product.k; ++p) {
      const T value = a[p * product.a_depth_stride];
      const T* line = b + p * product.b_stride + first;
      for (std::size_t j = 0; j < columns; ++j) sum[j] += value * line[j];
    }
    for (std::size_t j = 0; j < columns; ++j) {
      T& out = c[first + j];
      out = product.beta == 0 ? product.alpha * sum[j] : product.alpha * sum[j] + product.beta * out;
    }
  }
}

template <class T>
void small_product(const SmallProduct<T>& product) noexcept {
  for (std::size_t item = 0; item < product.batch; ++item) {
    const T* a = product.a + item * product.a_batch_stride;
    const T* b = product.b + item * product.b_batch_stride;
    T* c = product.c + item * product.c_batch_stride;
    for (std::size_t i = 0; i < product.m; ++i) {
      row(product, a + i * product.a_row_stride, b, c + i * product.c_stride);
    }
  }
}

}  // namespace

void small_product_f32(const SmallProduct<float>& product) noexcept { small_product(product); }
void small_product_f64(const SmallProduct<double>& product) noexcept { small_product(product); }

}  // namespace gradsift::portable
