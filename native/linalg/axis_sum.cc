#include "native/linalg/axis_sum.h"

#include <algorithm>

#include "native/core/buffer.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/rows.h"

namespace gradsift {

Status axis_sum(const Execution& execution, const float* x, std::size_t outer, std::size_t length, std::size_t inner,
                double scale, float* out) noexcept {
  Buffer<double> ones(length), sums(outer * inner);
  if (!ones || !sums) return Status::out_of_memory;
  std::fill_n(ones.data(), length, 1.0);
  std::fill_n(sums.data(), outer * inner, 0.0);
  Status status = Status::ok;
  if (inner == 1) {
    status =
        row_dots(execution, Dots<float>{outer, 1, length, x, length, ones.data(), length, 1, 0, sums.data(), outer});
  } else {
    for (std::size_t i = 0; i < outer && status == Status::ok; ++i) {
      status = add_weighted_rows(execution, WeightedRows<float>{length, 1, inner, x + i * length * inner, inner,
                                                                ones.data(), length, sums.data() + i * inner, inner});
    }
  }
  convert(outer * inner, sums.data(), scale, out);
  return status;
}

}  // namespace gradsift
