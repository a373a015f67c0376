// Rows of a symmetric matrix times a vector.
#include "native/kernels/portable/table.h"

namespace gradsift::portable {

void lower_rows_f64(const LowerRows& all) noexcept {
  constexpr std::size_t lanes = 8;  // independent sums, as in rows.cc
  for (std::size_t row = 0; row < all.rows; ++row) {
    const std::size_t i = all.first + row;
    const double* a = all.a + row * all.a_stride;
    const double weight = all.x[i];
    double sum[lanes] = {};
    std::size_t j = 0;
    for (; j + lanes <= i; j += lanes) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        sum[lane] += a[j + lane] * all.x[j + lane];
        all.y[j + lane] += a[j + lane] * weight;
      }
    }
    for (std::size_t lane = 0; j < i; ++j, ++lane) {
      sum[lane] += a[j] * all.x[j];
      all.y[j] += a[j] * weight;
    }
    const double own = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
    all.y[i] += own + a[i] * weight;
  }
}

}  // namespace gradsift::portable
