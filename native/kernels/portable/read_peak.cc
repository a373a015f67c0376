#include "native/kernels/portable/table.h"

namespace gradsift::portable {

float sum_f32(const float* x, std::size_t count) noexcept {
  constexpr std::size_t lanes = 32;  // 8 xmm registers of sums in flight
  float sum[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sum[lane] += x[i + lane];
  }
  float total = 0;
  for (const float value : sum) total += value;
  for (; i < count; ++i) total += x[i];
  return total;
}

}  // namespace gradsift::portable
