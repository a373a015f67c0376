#pragma once
// Sums over the columns of few long rows: runs of kDotColumns on several threads, added in order.

#include <algorithm>
#include <cstddef>

#include "native/core/buffer.h"
#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/kernels/table.h"

namespace gradsift {

// Sums of runs that wait to be added: 8 MiB. A routine with more sums a run should share its rows out instead.
inline constexpr std::size_t kWaitingSums = std::size_t{1} << 20;

// Multiply-adds in one task: some ten microseconds.
inline constexpr std::size_t kRunTask = std::size_t{1} << 17;

// Every run has `parts` parts of about `work` multiply-adds a column, and `sums` sums. compute(first column, columns,
// part, sums of this run) on any thread; add(sums of the run) for one run after the other.
template <class Compute, class Add>
Status for_column_runs(const Execution& execution, std::size_t length, std::size_t parts, std::size_t work,
                       std::size_t sums, const Compute& compute, const Add& add) noexcept {
  const std::size_t runs = (length + kDotColumns - 1) / kDotColumns;
  const std::size_t wave = std::clamp<std::size_t>(kWaitingSums / std::max<std::size_t>(1, sums), 1, runs);
  const std::size_t together = std::max<std::size_t>(1, kRunTask / kDotColumns / std::max<std::size_t>(1, work));
  Buffer<double> waiting(wave * sums);
  if (!waiting) return Status::out_of_memory;
  for (std::size_t first = 0; first < runs; first += wave) {
    const std::size_t count = std::min(wave, runs - first);
    const bool done = execution.parallel((count * parts + together - 1) / together, [&](std::size_t task) {
      for (std::size_t i = task * together; i < std::min(count * parts, (task + 1) * together); ++i) {
        const std::size_t column = (first + i / parts) * kDotColumns;
        compute(column, std::min(kDotColumns, length - column), i % parts, waiting.data() + i / parts * sums);
      }
    });
    if (!done) return Status::cancelled;
    for (std::size_t run = 0; run < count; ++run) add(waiting.data() + run * sums);
  }
  return Status::ok;
}

}  // namespace gradsift
