#include "native/kernels/portable/table.h"

namespace gradsift::portable {

void merge_f32(const Merge& merge) noexcept {
  for (std::size_t i = 0; i < merge.rows; ++i) {
    const float* tile = merge.tile + i * merge.tile_stride;
    double* out = merge.out + i * merge.out_stride;
    for (std::size_t j = 0; j < merge.columns; ++j) {
      const double value = merge.alpha * static_cast<double>(tile[j]);
      out[j] = merge.beta == 0 ? value : value + merge.beta * out[j];
    }
  }
}

}  // namespace gradsift::portable
