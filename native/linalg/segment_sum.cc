#include "native/linalg/segment_sum.h"

#include <algorithm>

#include "native/kernels/table.h"

namespace gradsift {

namespace {

constexpr std::size_t kStripe = 64;  // columns of a task, 256 bytes: it owns them in every segment

}  // namespace

Status segment_sum(const Execution& execution, std::size_t rows, std::size_t columns, std::size_t segments,
                   const float* x, const std::int32_t* ids, float* out) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  const Execution own = execution.for_pass((rows + segments) * columns);
  const bool done = own.parallel((columns + kStripe - 1) / kStripe, [&](std::size_t stripe) {
    const std::size_t first = stripe * kStripe, count = std::min(kStripe, columns - first);
    for (std::size_t segment = 0; segment < segments; ++segment)
      std::fill_n(out + segment * columns + first, count, 0.0f);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t segment = static_cast<std::size_t>(ids[i]);  // a negative one becomes huge
      if (segment >= segments) continue;
      float* sum = out + segment * columns + first;
      kernel.zip({ZipOperation::add, count, sum, false, x + i * columns + first, false, sum});
    }
  });
  return done ? Status::ok : Status::cancelled;
}

}  // namespace gradsift
