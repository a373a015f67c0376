#include "native/linalg/norm_rows.h"

#include <algorithm>

#include "native/core/buffer.h"
#include "native/kernels/table.h"
#include "native/linalg/elementwise.h"

namespace gradsift {

namespace {

// Rows are read several times, in the first-level cache: about as much work as moving four times as much.
constexpr std::size_t kRowWork = 4;
// Rows whose gradients of gain and bias are summed before they are added to the total; more where there are many, so
// that the partial sums stay few.
constexpr std::size_t kBlockRows = 16;
constexpr std::size_t kMostBlocks = 64;

}  // namespace

Status norm_rows(const Execution& execution, const NormRows& norm, float* y) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  const std::size_t columns = norm.columns;
  return for_each_row(execution.for_pass(norm.rows * columns * kRowWork), norm.rows, columns, [&](std::size_t i) {
    kernel.norm(
        {columns, norm.bias != nullptr, norm.epsilon, norm.x + i * columns, norm.gain, norm.bias, y + i * columns});
  });
}

Status norm_rows_gradient(const Execution& execution, const NormRows& norm, const float* dy, float* dx, float* dgain,
                          float* dbias) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  const std::size_t columns = norm.columns;
  const std::size_t height = std::max(kBlockRows, (norm.rows + kMostBlocks - 1) / kMostBlocks);
  const std::size_t blocks = (norm.rows + height - 1) / height;
  const bool centred = norm.bias != nullptr;
  const std::size_t width = centred ? 2 * columns : columns;
  Buffer<float> sums(blocks * width);
  if (!sums) return Status::out_of_memory;
  const bool done = execution.for_pass(norm.rows * columns * kRowWork).parallel(blocks, [&](std::size_t block) {
    float* gain_sum = sums.data() + block * width;
    std::fill_n(gain_sum, width, 0.0f);
    for (std::size_t i = block * height; i < std::min(norm.rows, (block + 1) * height); ++i) {
      const std::size_t at = i * columns;
      kernel.norm_gradient({columns, centred, norm.epsilon, norm.x + at, norm.gain, dy + at, dx + at, gain_sum,
                            centred ? gain_sum + columns : nullptr});
    }
  });
  if (!done) return Status::cancelled;
  for (std::size_t j = 0; j < width; ++j) {
    double sum = 0;
    for (std::size_t block = 0; block < blocks; ++block) sum += static_cast<double>(sums[block * width + j]);
    (j < columns ? dgain[j] : dbias[j - columns]) = static_cast<float>(sum);
  }
  return Status::ok;
}

}  // namespace gradsift
