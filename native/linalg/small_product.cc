#include "native/linalg/small_product.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "native/core/buffer.h"
#include "native/core/caches.h"
#include "native/kernels/table.h"
#include "native/linalg/packed_product.h"

namespace gradsift {

namespace {

// More rows than these pay for a packed B where reading it in place is slow; and are parted into several tasks, each of
// which would have to turn a B that lies transposed.
constexpr std::size_t kFewRows = 128;
// Multiply-adds of a task of several items, 20 to 50 microseconds, and at least of a part of one item.
constexpr std::size_t kTaskWork = std::size_t{1} << 21;
constexpr std::size_t kPartWork = std::size_t{1} << 19;
// Rows of a task: at most so many that it takes 1 ms; and a tile of one row, which waits for each of its sums, at its
// end only where m itself leaves one.
constexpr std::size_t kRowStep = 4;
constexpr std::size_t kMostRows = 512;
// Tasks for each thread, so that the last to finish is not late by much.
constexpr std::size_t kTasksPerThread = 4;

constexpr std::size_t divide_up(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }

template <class T>
bool in_rows(const Gemm<T>& gemm) noexcept {
  return gemm.b.column_stride == 1 || gemm.n == 1;
}

void run(const KernelTable& table, const SmallProduct<float>& product) noexcept { table.small_product_f32(product); }
void run(const KernelTable& table, const SmallProduct<double>& product) noexcept { table.small_product_f64(product); }
void run(const KernelTable& table, const Pack<float, float>& pack) noexcept { table.pack_f32(pack); }
void run(const KernelTable& table, const Pack<double, double>& pack) noexcept { table.pack_f64(pack); }

// B of each item, stored transposed, turned into rows of `rows` ([k][n]).
template <class T>
void multiply_transposed(const KernelTable& table, SmallProduct<T> product, std::size_t line_stride, T* rows) noexcept {
  const std::size_t items = product.batch;
  product.batch = 1;
  const T* b = product.b;
  product.b = rows;
  product.b_stride = product.n;
  for (std::size_t item = 0; item < items; ++item) {
    if (item == 0 || product.b_batch_stride != 0) {
      run(table, Pack<T, T>{product.n, product.n, product.k, b + item * product.b_batch_stride, line_stride, 1, rows});
    }
    run(table, product);
    product.a += product.a_batch_stride;
    product.c += product.c_batch_stride;
  }
}

// Whether pieces of all rows of B, in the same columns, stay where tiles want them while the rows of A pass by: rows
// that lie a multiple of a large power of two apart share few sets of a cache (64 KiB cover all sets once). Tiles of
// three lines or more a row take B from the second level; narrower ones want it twice as often, and from the first: a
// sixteenth of the second, by measurement.
template <class T>
bool keeps_rows(const Gemm<T>& gemm, std::size_t second) noexcept {
  const std::size_t apart = std::gcd(gemm.b.row_stride * sizeof(T), std::size_t{1} << 16);
  const bool wide = kernels().tile_f32->columns * sizeof(float) > 2 * kAlignment;
  return gemm.k <= (wide ? second : second / 16) / apart;
}

// Rows of one task: enough work, not too much of it, and the threads in step.
template <class T>
std::size_t task_rows(const Execution& execution, const Gemm<T>& gemm) noexcept {
  if (gemm.batch * gemm.m == 0 || !in_rows(gemm)) return std::max<std::size_t>(1, gemm.m);
  const std::size_t wanted = execution.threads <= 1 ? 1 : kTasksPerThread * execution.threads / gemm.batch;
  const std::size_t parts = std::min(wanted, gemm.m * gemm.n * gemm.k / kPartWork);
  const std::size_t rows = divide_up(gemm.m, std::max({parts, divide_up(gemm.m, kMostRows), std::size_t{1}}));
  return divide_up(rows, kRowStep) * kRowStep;
}

}  // namespace

template <class T>
bool is_small(const Gemm<T>& gemm) noexcept {
  const std::size_t most = product_blocks(caches()).in_place;
  if (gemm.k > kDepthBlock || gemm.k * gemm.n > most / sizeof(T)) return false;
  if (gemm.m <= kFewRows) return in_rows(gemm) || gemm.b.row_stride == 1;
  return in_rows(gemm) && gemm.a.column_stride == 1 && keeps_rows(gemm, most);
}

template <class T>
Status small_product(const Execution& execution, const Gemm<T>& gemm) noexcept {
  const double work = static_cast<double>(gemm.m) * static_cast<double>(gemm.n) * static_cast<double>(gemm.k);
  const Execution inner = execution.for_product(static_cast<double>(gemm.batch) * work);
  const std::size_t rows = task_rows(inner, gemm);
  const std::size_t pieces = divide_up(gemm.m, rows);
  const double items_of_work = static_cast<double>(kTaskWork) / std::max(1.0, work);
  const std::size_t items = static_cast<std::size_t>(std::max(1.0, items_of_work));
  const KernelTable& table = kernels();
  const SmallProduct<T> all{gemm.batch,
                            gemm.m,
                            gemm.n,
                            gemm.k,
                            gemm.alpha,
                            gemm.beta,
                            gemm.a.data,
                            gemm.a.row_stride,
                            gemm.a.column_stride,
                            gemm.a.batch_stride,
                            gemm.b.data,
                            gemm.b.row_stride,
                            gemm.b.batch_stride,
                            gemm.c.data,
                            gemm.c.row_stride,
                            gemm.c.batch_stride};
  std::atomic<bool> out_of_memory{false};
  const bool done = inner.parallel(divide_up(gemm.batch, items) * pieces, [&](std::size_t task) {
    const std::size_t first = task / pieces * items, row = task % pieces * rows;
    SmallProduct<T> part = all;
    part.batch = std::min(items, gemm.batch - first);
    part.m = std::min(rows, gemm.m - row);
    part.a += first * part.a_batch_stride + row * part.a_row_stride;
    part.b += first * part.b_batch_stride;
    part.c += first * part.c_batch_stride + row * part.c_stride;
    if (in_rows(gemm)) return run(table, part);
    Buffer<T> turned(gemm.k * gemm.n);
    if (!turned) return out_of_memory.store(true, std::memory_order_relaxed);
    multiply_transposed(table, part, gemm.b.column_stride, turned.data());
  });
  if (out_of_memory.load(std::memory_order_relaxed)) return Status::out_of_memory;
  return done ? Status::ok : Status::cancelled;
}

template bool is_small(const Gemm<float>&) noexcept;
template bool is_small(const Gemm<double>&) noexcept;
template Status small_product(const Execution&, const Gemm<float>&) noexcept;
template Status small_product(const Execution&, const Gemm<double>&) noexcept;

}  // namespace gradsift
