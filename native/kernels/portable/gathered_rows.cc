#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

// Columns summed at a time: 64 floats and 64 doubles, in the first-level cache.
constexpr std::size_t kStrip = 64;

}  // namespace

void gathered_rows(const GatheredRows& sum) noexcept {
  for (std::size_t first = 0; first < sum.length; first += kStrip) {
    const std::size_t columns = sum.length - first < kStrip ? sum.length - first : kStrip;
    double total[kStrip] = {};
    float run[kStrip] = {};
    for (std::size_t e = 0; e < sum.count; ++e) {
      if (sum.indices[e] < sum.limit) {
        const float* row = sum.rows + sum.indices[e] * sum.stride + first;
        for (std::size_t j = 0; j < columns; ++j) run[j] += sum.values[e] * row[j];
      }
      if ((e + 1) % kGatherRun != 0 && e + 1 != sum.count) continue;
      for (std::size_t j = 0; j < columns; ++j) {
        total[j] += static_cast<double>(run[j]);
        run[j] = 0;
      }
    }
    for (std::size_t j = 0; j < columns; ++j) sum.out[first + j] = static_cast<float>(total[j]);
  }
}

}  // namespace gradsift::portable
