#include "native/linalg/sparse_product.h"

#include <algorithm>

#include "native/kernels/table.h"

namespace gradsift {

namespace {

// Multiply-adds of one task: some hundred microseconds.
constexpr double kTaskProducts = 1 << 20;

}  // namespace

Status sparse_product(const Execution& execution, const SparseRows& a, const float* b, std::size_t width,
                      float* c) noexcept {
  if (a.rows == 0 || width == 0) return Status::ok;
  const KernelTable& table = kernels();
  const double products =
      (static_cast<double>(a.starts[a.rows]) + static_cast<double>(a.rows)) * static_cast<double>(width);
  const double each = std::max(1.0, static_cast<double>(a.rows) * kTaskProducts / products);
  const std::size_t rows = static_cast<std::size_t>(std::min(each, static_cast<double>(a.rows)));
  const std::size_t tasks = (a.rows + rows - 1) / rows;
  const bool done = execution.for_product(products).parallel(tasks, [&](std::size_t task) {
    const std::size_t end = std::min(a.rows, (task + 1) * rows);
    for (std::size_t i = task * rows; i < end; ++i) {
      const std::size_t first = a.starts[i];
      table.gathered_rows(
          {a.starts[i + 1] - first, width, a.values + first, a.indices + first, a.columns, b, width, c + i * width});
    }
  });
  return done ? Status::ok : Status::cancelled;
}

}  // namespace gradsift
