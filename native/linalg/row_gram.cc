#include "native/linalg/row_gram.h"

#include <algorithm>

#include "native/linalg/column_runs.h"
#include "native/linalg/packed_product.h"
#include "native/linalg/stored_rows.h"

namespace gradsift {

namespace {

template <class T>
Status gram(const Execution& execution, const RowGram<T>& problem) noexcept {
  Product<T, T, double> product;
  product.m = product.n = problem.count;
  product.k = problem.length;
  product.a = product.b = {problem.rows, problem.length, 1};
  product.c = problem.out;
  product.c_stride = problem.count;
  product.lower = true;
  const Status status = packed_product<double>(execution, product);
  if (status != Status::ok) return status;
  return mirror_lower(execution, 1, problem.count, 0.0, problem.out, problem.count, 0);
}

// Rows that the others are multiplied with at a time: as many as a register tile of dots takes, so that more would not
// be faster. Widened, a run of them is 32 KiB.
constexpr std::size_t kWidened = 4;

// X_q . X_i over a run of columns, for up to kWidened rows q from `row` on and all rows i from there on. x: X_row.
template <class T>
void run_products(const KernelTable& table, const AddedGram& problem, const T* x, std::size_t row, std::size_t columns,
                  double* sums) noexcept {
  const auto [type, data, count, stride] = problem.rows;
  const std::size_t queries = std::min(kWidened, count - row);
  double widened[kWidened * kDotColumns];
  std::fill_n(widened, queries * kDotColumns, 0.0);
  const double one = 1;  // 0 + 1 x is x, exactly
  for (std::size_t q = 0; q < queries; ++q) {
    run(table, WeightedRows<T>{1, 1, columns, x + q * stride, stride, &one, 1, widened + q * kDotColumns, columns});
  }
  run(table, Dots<T>{count - row, queries, columns, x, stride, widened, kDotColumns, 1.0, 0.0, sums + row * count + row,
                     count});
}

}  // namespace

Status add_row_gram(const Execution& execution, const AddedGram& problem) noexcept {
  const KernelTable& table = kernels();
  const std::size_t count = problem.rows.count;
  const std::size_t parts = (count + kWidened - 1) / kWidened;
  const auto compute = [&](std::size_t column, std::size_t columns, std::size_t part, double* sums) {
    const std::size_t row = part * kWidened;
    visit(problem.rows, [&](const auto* x) {
      run_products(table, problem, x + row * problem.rows.stride + column, row, columns, sums);
    });
  };
  const auto add = [&](const double* sums) {
    for (std::size_t q = 0; q < count; ++q) {
      for (std::size_t i = q; i < count; ++i) {
        problem.out[q * count + i] += sums[q * count + i];
        problem.out[i * count + q] = problem.out[q * count + i];
      }
    }
  };
  const double products = static_cast<double>(count) * static_cast<double>(count) * static_cast<double>(problem.length);
  return for_column_runs(execution.for_product(products / 2), problem.length, parts, count * kWidened / 2,
                         count * count, compute, add);
}

Status row_gram(const Execution& execution, const RowGram<float>& problem) noexcept { return gram(execution, problem); }

Status row_gram(const Execution& execution, const RowGram<double>& problem) noexcept {
  return gram(execution, problem);
}

}  // namespace gradsift
