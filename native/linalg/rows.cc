#include "native/linalg/rows.h"

#include <algorithm>
#include <type_traits>

#include "native/core/buffer.h"
#include "native/kernels/table.h"
#include "native/linalg/column_runs.h"
#include "native/linalg/stored_rows.h"

namespace gradsift {

namespace {

// Elements of X in one task, each read once: 256 KiB of floats, some ten microseconds at memory speed.
constexpr std::size_t kTaskElements = std::size_t{1} << 16;
// Columns in one task of a sum over rows: 8 pages of doubles in `out`, and long enough runs in each row.
constexpr std::size_t kStripe = 1024;
// Row tiles whose partial sums are held at a time, where rows are too short to give each thread columns of its own.
constexpr std::size_t kWave = 256;

std::size_t divide_up(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }

double sum_squares(const KernelTable& table, const float* x, std::size_t count) noexcept {
  return table.sum_squares_f32(x, count);
}

double sum_squares(const KernelTable& table, const double* x, std::size_t count) noexcept {
  return table.sum_squares_f64(x, count);
}

// body(first, count) over tasks of about kTaskElements elements, `work` a row, whole groups of `group` rows.
template <class Body>
Status over_rows(const Execution& execution, std::size_t count, std::size_t work, std::size_t group,
                 const Body& body) noexcept {
  const std::size_t rows = divide_up(kTaskElements / std::max<std::size_t>(1, work) + 1, group) * group;
  const bool done = execution.parallel(
      divide_up(count, rows), [&](std::size_t task) { body(task * rows, std::min(rows, count - task * rows)); });
  return done ? Status::ok : Status::cancelled;
}

// One sum over rows: all queries, in order of rows.
template <class T>
struct RowSum {
  const Execution& execution;
  const KernelTable& table;
  WeightedRows<T> all;  // every row

  WeightedRows<T> part(std::size_t first_row, std::size_t first_column) const noexcept {
    WeightedRows<T> part = all;
    part.rows = std::min(kRowTile, all.rows - first_row);
    part.length = std::min(kStripe, all.length - first_column);
    part.x += first_row * all.x_stride + first_column;
    part.weights += first_row;
    part.out += first_column;
    return part;
  }

  // Long rows: each task owns columns of out and adds the tiles of kRowTile rows to them one after the other.
  bool by_columns() const noexcept {
    const std::size_t stripes = divide_up(all.length, kStripe);
    const std::size_t together = std::max<std::size_t>(1, kTaskElements / kStripe / std::max<std::size_t>(1, all.rows));
    // A task stays short: the rows are taken some at a time.
    const std::size_t rows = std::max<std::size_t>(1, kTaskElements * 32 / kStripe / kRowTile) * kRowTile;
    for (std::size_t first = 0; first < all.rows; first += rows) {
      const bool done = execution.parallel(divide_up(stripes, together), [&](std::size_t task) {
        for (std::size_t stripe = task * together; stripe < std::min(stripes, (task + 1) * together); ++stripe) {
          for (std::size_t row = first; row < std::min(all.rows, first + rows); row += kRowTile) {
            run(table, part(row, stripe * kStripe));
          }
        }
      });
      if (!done) return false;
    }
    return true;
  }

  // Short rows: each task sums tiles of rows into partial rows, which are then added to out in order. Same bits.
  Status by_rows() const noexcept {
    const std::size_t width = all.queries * all.length;
    const std::size_t tiles = divide_up(all.rows, kRowTile);
    Buffer<double> partials(std::min(tiles, kWave) * width);
    if (!partials) return Status::out_of_memory;
    for (std::size_t first = 0; first < tiles; first += kWave) {
      const std::size_t count = std::min(kWave, tiles - first);
      const bool done = execution.parallel(count, [&](std::size_t tile) {
        double* partial = partials.data() + tile * width;
        std::fill(partial, partial + width, 0.0);
        for (std::size_t column = 0; column < all.length; column += kStripe) {
          WeightedRows<T> sum = part((first + tile) * kRowTile, column);
          sum.out = partial + column;
          sum.out_stride = all.length;
          run(table, sum);
        }
      });
      if (!done) return Status::cancelled;
      for (std::size_t tile = 0; tile < count; ++tile) {
        for (std::size_t q = 0; q < all.queries; ++q) {
          const double* partial = partials.data() + tile * width + q * all.length;
          double* out = all.out + q * all.out_stride;
          for (std::size_t j = 0; j < all.length; ++j) out[j] += partial[j];
        }
      }
    }
    return Status::ok;
  }
};

template <class T>
Status dots_by_rows(const Execution& execution, const Dots<T>& all) noexcept {
  const KernelTable& table = kernels();
  const std::size_t work = all.length * std::max<std::size_t>(1, all.queries);
  return over_rows(execution, all.rows, work, kDotRows, [&](std::size_t first, std::size_t rows) {
    Dots<T> part = all;
    part.rows = rows;
    part.x += first * all.x_stride;
    part.out += first;
    if (all.norms != nullptr) part.norms += first;
    run(table, part);
  });
}

// Few long rows: each task computes runs of columns of all of them. The same bits.
template <class T>
Status dots_by_columns(const Execution& execution, const Dots<T>& all) noexcept {
  const KernelTable& table = kernels();
  const std::size_t products = all.queries * all.rows;
  const std::size_t norms = all.norms == nullptr ? 0 : all.rows;
  const auto compute = [&](std::size_t column, std::size_t columns, std::size_t, double* sums) {
    Dots<T> part = all;
    part.length = columns;
    part.x += column;
    part.h += column;
    part.beta = 0;
    part.out = sums;
    part.out_stride = all.rows;
    if (norms > 0) part.norms = sums + products;
    std::fill_n(sums + products, norms, 0.0);
    run(table, part);
  };
  double beta = all.beta;
  const auto add = [&](const double* sums) {
    for (std::size_t q = 0; q < all.queries; ++q) {
      double* out = all.out + q * all.out_stride;
      const double* sum = sums + q * all.rows;
      for (std::size_t i = 0; i < all.rows; ++i) out[i] = beta == 0 ? sum[i] : sum[i] + beta * out[i];
    }
    for (std::size_t i = 0; i < norms; ++i) all.norms[i] += sums[products + i];
    beta = 1;
  };
  const std::size_t work = all.rows * std::max<std::size_t>(1, all.queries);
  return for_column_runs(execution, all.length, 1, work, products + norms, compute, add);
}

}  // namespace

template <class T>
Status row_dots(const Execution& execution, const Dots<T>& dots) noexcept {
  const Execution own = execution.for_pass(dots.rows * dots.length * std::max<std::size_t>(1, dots.queries));
  const bool few = divide_up(dots.rows, kDotRows) < 4 * own.threads;
  const bool fits = (dots.queries + 1) * dots.rows * own.threads * 4 <= kWaitingSums;
  if (dots.norms != nullptr) std::fill_n(dots.norms, dots.rows, 0.0);
  const bool by_columns = own.threads > 1 && few && fits && dots.length > kDotColumns;
  return by_columns ? dots_by_columns(own, dots) : dots_by_rows(own, dots);
}

template <class T>
Status add_weighted_rows(const Execution& execution, const WeightedRows<T>& rows) noexcept {
  const Execution own = execution.for_pass(rows.rows * rows.length * rows.queries);
  const RowSum<T> sum{own, kernels(), rows};
  // By columns unless that leaves threads without work; the choice changes no bit.
  if (own.threads <= 1 || rows.length >= kStripe * own.threads || rows.rows <= kRowTile) {
    return sum.by_columns() ? Status::ok : Status::cancelled;
  }
  return sum.by_rows();
}

template <class T>
Status row_norms(const Execution& execution, const T* x, std::size_t count, std::size_t length, double* out) noexcept {
  const KernelTable& table = kernels();
  return over_rows(execution.for_pass(count * length), count, length, 1, [&](std::size_t first, std::size_t rows) {
    for (std::size_t i = first; i < first + rows; ++i) out[i] = sum_squares(table, x + i * length, length);
  });
}

Status widen_bf16(const Execution& execution, const unsigned short* bits, std::size_t count, float* out) noexcept {
  const KernelTable& table = kernels();
  return over_rows(execution.for_pass(count), count, 1, 1,
                   [&](std::size_t first, std::size_t part) { table.widen_bf16(bits + first, part, out + first); });
}

Status widen_f16(const Execution& execution, const unsigned short* bits, std::size_t count, float* out) noexcept {
  const KernelTable& table = kernels();
  return over_rows(execution.for_pass(count), count, 1, 1,
                   [&](std::size_t first, std::size_t part) { table.widen_f16(bits + first, part, out + first); });
}

template Status row_dots(const Execution&, const Dots<float>&) noexcept;
template Status row_dots(const Execution&, const Dots<double>&) noexcept;
template Status row_dots(const Execution&, const Dots<Bfloat16>&) noexcept;
template Status row_dots(const Execution&, const Dots<Float16>&) noexcept;
template Status add_weighted_rows(const Execution&, const WeightedRows<float>&) noexcept;
template Status add_weighted_rows(const Execution&, const WeightedRows<double>&) noexcept;
template Status add_weighted_rows(const Execution&, const WeightedRows<Bfloat16>&) noexcept;
template Status add_weighted_rows(const Execution&, const WeightedRows<Float16>&) noexcept;
template Status row_norms(const Execution&, const float*, std::size_t, std::size_t, double*) noexcept;
template Status row_norms(const Execution&, const double*, std::size_t, std::size_t, double*) noexcept;

}  // namespace gradsift
