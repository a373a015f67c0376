#include "native/linalg/add_rows_by_label.h"

#include <algorithm>

#include "native/core/caches.h"
#include "native/core/scratch.h"
#include "native/kernels/table.h"

namespace gradsift {

namespace {

// Elements of X in one task, some hundred microseconds of additions.
constexpr std::size_t kTaskElements = std::size_t{1} << 18;
// A task owns at least four lines of each sum.
constexpr std::size_t kLeastColumns = 32;
// Rows from memory, a piece of each: too far apart for the hardware to foresee.
constexpr std::size_t kAhead = 16;

}  // namespace

Status add_rows_by_label(const Execution& execution, std::size_t count, std::size_t length, std::size_t segments,
                         const float* x, const std::uint32_t* labels, double* sums) noexcept {
  if (length == 0) return Status::ok;
  const KernelTable& table = kernels();
  const Execution own = execution.for_pass(count * length);
  // A task owns columns of every sum: as many as half of the second-level cache holds, fewer to give each thread some.
  const std::size_t fit = caches().second / 2 / sizeof(double) / std::max<std::size_t>(1, segments);
  const std::size_t shared = (length + own.threads - 1) / own.threads;
  const std::size_t wanted = std::max(kLeastColumns, std::min(fit, shared));
  const std::size_t width = std::min(length, (wanted + kLeastColumns - 1) / kLeastColumns * kLeastColumns);
  const std::size_t stripes = (length + width - 1) / width;
  const std::size_t rows = kTaskElements / width + 1;
  const double one = 1;
  for (std::size_t first = 0; first < count; first += rows) {
    const std::size_t end = std::min(count, first + rows);
    const bool done = own.parallel(stripes, [&](std::size_t stripe) {
      const std::size_t column = stripe * width, columns = std::min(width, length - column);
      for (std::size_t i = first; i < end; ++i) {
        const float* row = x + i * length + column;
        if (i + kAhead < end) {
          for (std::size_t j = 0; j < columns; j += kAlignment / sizeof(float)) {
            __builtin_prefetch(row + kAhead * length + j);
          }
        }
        if (labels[i] >= segments) continue;
        double* sum = sums + labels[i] * length + column;
        table.weighted_rows_f32({1, 1, columns, row, length, &one, 1, sum, length});
      }
    });
    if (!done) return Status::cancelled;
  }
  return Status::ok;
}

}  // namespace gradsift
