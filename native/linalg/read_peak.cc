#include "native/linalg/read_peak.h"

#include <algorithm>

#include "native/core/buffer.h"
#include "native/kernels/table.h"

namespace gradsift {

namespace {

constexpr std::size_t kTaskElements = std::size_t{1} << 20;  // 4 MiB: a hundred microseconds

}  // namespace

Status read_peak(const Execution& execution, const float* x, std::size_t count, double* sum) noexcept {
  const KernelTable& table = kernels();
  const std::size_t tasks = (count + kTaskElements - 1) / kTaskElements;
  Buffer<double> sums(tasks);
  if (!sums) return Status::out_of_memory;
  const bool done = execution.parallel(tasks, [&](std::size_t task) {
    const std::size_t first = task * kTaskElements;
    sums[task] = table.sum_f32(x + first, std::min(kTaskElements, count - first));
  });
  *sum = 0;
  for (std::size_t task = 0; done && task < tasks; ++task) *sum += sums[task];
  return done ? Status::ok : Status::cancelled;
}

}  // namespace gradsift
