#include "native/linalg/row_alignments.h"

#include <algorithm>

#include "native/linalg/column_runs.h"
#include "native/linalg/rows.h"

namespace gradsift {

namespace {

// h, for columns [column, column + columns): 8 KiB, in the first-level cache until all rows have met it.
void mean_target(const KernelTable& table, const RowAlignments& problem, std::size_t column, std::size_t columns,
                 double* h) noexcept {
  const StoredRows& target = problem.target;
  std::fill_n(h, columns, 0.0);
  visit(target, [&]<class T>(const T* x) {
    for (std::size_t first = 0; first < target.count; first += kRowTile) {
      const std::size_t rows = std::min(kRowTile, target.count - first);
      run(table, WeightedRows<T>{rows, 1, columns, x + first * target.stride + column, target.stride,
                                 problem.weights + first, rows, h, columns});
    }
  });
}

}  // namespace

Status add_row_alignments(const Execution& execution, const RowAlignments& problem) noexcept {
  const KernelTable& table = kernels();
  const std::size_t count = problem.rows.count;
  const std::size_t queries = problem.target.count > 0 ? 1 : 0;
  // The sums of a run: products, squares, the square of h.
  const auto compute = [&](std::size_t column, std::size_t columns, std::size_t, double* sums) {
    std::fill_n(sums, 2 * count + 1, 0.0);
    double h[kDotColumns];
    if (queries > 0) {
      mean_target(table, problem, column, columns, h);
      sums[2 * count] = table.sum_squares_f64(h, columns);
    }
    visit(problem.rows, [&]<class T>(const T* x) {
      run(table, Dots<T>{count, queries, columns, x + column, problem.rows.stride, h, columns, 1.0, 0.0, sums, count,
                         sums + count});
    });
  };
  const auto add = [&](const double* sums) {
    for (std::size_t i = 0; i < count; ++i) {
      problem.products[i] += sums[i];
      problem.squares[i] += sums[count + i];
    }
    *problem.target_square += sums[2 * count];
  };
  const std::size_t work = count + problem.target.count;
  return for_column_runs(execution.for_pass(work * problem.length), problem.length, 1, work, 2 * count + 1, compute,
                         add);
}

}  // namespace gradsift
