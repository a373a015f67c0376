#include "native/linalg/small_product.h"

#include <algorithm>
#include <atomic>
#include <type_traits>

#include "native/core/buffer.h"
#include "native/kernels/table.h"
#include "native/linalg/packed_product.h"

namespace gradsift {

namespace {

// Bounds of what is read in place. Rows: a panel of packed A pays when more rows than these use it. B: 128 KiB, which
// stay in a second-level cache while the rows of A pass by; 512 KiB where there are items enough for all threads, since
// no part of an item is shared.
constexpr std::size_t kSmallRows = 128;
constexpr std::size_t kSmallBytes = std::size_t{1} << 17, kSmallBytesOfMany = std::size_t{1} << 19;
constexpr std::size_t kMany = 16;
// Multiply-adds of one task, 20 to 50 microseconds, and of a product that is worth waking another thread.
constexpr std::size_t kTaskWork = std::size_t{1} << 21;
constexpr std::size_t kSharedWork = std::size_t{1} << 22;

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

}  // namespace

template <class T>
bool is_small(const Gemm<T>& gemm) noexcept {
  const std::size_t bytes = gemm.batch >= kMany ? kSmallBytesOfMany : kSmallBytes;
  return gemm.m <= kSmallRows && gemm.k <= kDepthBlock && gemm.k * gemm.n <= bytes / sizeof(T) &&
         (in_rows(gemm) || gemm.b.row_stride == 1);
}

template <class T>
Status small_product(const Execution& execution, const Gemm<T>& gemm) noexcept {
  const std::size_t work = std::max<std::size_t>(1, gemm.m * gemm.n * gemm.k);
  const std::size_t run_length = std::max<std::size_t>(1, kTaskWork / work);
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
  Execution inner = execution;
  if (gemm.batch * work < kSharedWork) inner.threads = 1;
  std::atomic<bool> out_of_memory{false};
  const bool done = inner.parallel((gemm.batch + run_length - 1) / run_length, [&](std::size_t task) {
    const std::size_t first = task * run_length;
    SmallProduct<T> part = all;
    part.batch = std::min(run_length, gemm.batch - first);
    part.a += first * part.a_batch_stride;
    part.b += first * part.b_batch_stride;
    part.c += first * part.c_batch_stride;
    if (in_rows(gemm)) return run(table, part);
    Buffer<T> rows(gemm.k * gemm.n);
    if (!rows) return out_of_memory.store(true, std::memory_order_relaxed);
    multiply_transposed(table, part, gemm.b.column_stride, rows.data());
  });
  if (out_of_memory.load(std::memory_order_relaxed)) return Status::out_of_memory;
  return done ? Status::ok : Status::cancelled;
}

template bool is_small(const Gemm<float>&) noexcept;
template bool is_small(const Gemm<double>&) noexcept;
template Status small_product(const Execution&, const Gemm<float>&) noexcept;
template Status small_product(const Execution&, const Gemm<double>&) noexcept;

}  // namespace gradsift
