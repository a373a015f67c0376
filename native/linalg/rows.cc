#include "native/linalg/rows.h"

#include <algorithm>
#include <type_traits>

#include "native/core/buffer.h"
#include "native/kernels/table.h"

namespace gradsift {

namespace {

// Elements of X in one task, each read once: 256 KiB of floats, some ten microseconds at memory speed.
constexpr std::size_t kTaskElements = std::size_t{1} << 16;
// Columns in one task of a sum over rows: 8 pages of doubles in `out`, and long enough runs in each row.
constexpr std::size_t kStripe = 1024;
// Row tiles whose partial sums are held at a time, where rows are too short to give each thread columns of its own.
constexpr std::size_t kWave = 256;

std::size_t divide_up(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }

void run_dots(const KernelTable& table, const Dots<float>& dots) noexcept { table.dots_f32(dots); }
void run_dots(const KernelTable& table, const Dots<double>& dots) noexcept { table.dots_f64(dots); }
void run_weighted(const KernelTable& table, const WeightedRows<float>& sum) noexcept { table.weighted_rows_f32(sum); }
void run_weighted(const KernelTable& table, const WeightedRows<double>& sum) noexcept { table.weighted_rows_f64(sum); }

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
    // A task stays short: the rows are taken some at a time.
    const std::size_t rows = std::max<std::size_t>(1, kTaskElements * 32 / kStripe / kRowTile) * kRowTile;
    for (std::size_t first = 0; first < all.rows; first += rows) {
      const bool done = execution.parallel(stripes, [&](std::size_t stripe) {
        for (std::size_t row = first; row < std::min(all.rows, first + rows); row += kRowTile) {
          run_weighted(table, part(row, stripe * kStripe));
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
          run_weighted(table, sum);
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

}  // namespace

template <class T>
Status row_dots(const Execution& execution, const T* x, std::size_t count, std::size_t length, const double* h,
                std::size_t queries, double alpha, double beta, double* out, std::size_t out_stride,
                double* norms) noexcept {
  const KernelTable& table = kernels();
  const std::size_t work = length * std::max<std::size_t>(1, queries);
  return over_rows(execution.for_pass(count * work), count, work, kDotRows, [&](std::size_t first, std::size_t rows) {
    run_dots(table, Dots<T>{rows, queries, length, x + first * length, length, h, length, alpha, beta, out + first,
                            out_stride, norms == nullptr ? nullptr : norms + first});
  });
}

template <class T>
Status add_weighted_rows(const Execution& execution, const T* x, std::size_t count, std::size_t length,
                         const double* weights, std::size_t queries, std::size_t w_stride, double* out) noexcept {
  const Execution own = execution.for_pass(count * length * queries);
  const RowSum<T> sum{own, kernels(), {count, queries, length, x, length, weights, w_stride, out, length}};
  // By columns unless that leaves threads without work; the choice changes no bit.
  if (own.threads <= 1 || length >= kStripe * own.threads || count <= kRowTile) {
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

template Status row_dots(const Execution&, const float*, std::size_t, std::size_t, const double*, std::size_t, double,
                         double, double*, std::size_t, double*) noexcept;
template Status row_dots(const Execution&, const double*, std::size_t, std::size_t, const double*, std::size_t, double,
                         double, double*, std::size_t, double*) noexcept;
template Status add_weighted_rows(const Execution&, const float*, std::size_t, std::size_t, const double*, std::size_t,
                                  std::size_t, double*) noexcept;
template Status add_weighted_rows(const Execution&, const double*, std::size_t, std::size_t, const double*, std::size_t,
                                  std::size_t, double*) noexcept;
template Status row_norms(const Execution&, const float*, std::size_t, std::size_t, double*) noexcept;
template Status row_norms(const Execution&, const double*, std::size_t, std::size_t, double*) noexcept;

}  // namespace gradsift
