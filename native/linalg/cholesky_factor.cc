#include "native/linalg/cholesky_factor.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "native/kernels/table.h"
#include "native/linalg/gemm.h"
#include "native/linalg/packed_product.h"

namespace gradsift {

namespace {

std::size_t run_block(const KernelTable& table, const CholeskyBlock<float>& block) noexcept {
  return table.cholesky_block_f32(block);
}
std::size_t run_block(const KernelTable& table, const CholeskyBlock<double>& block) noexcept {
  return table.cholesky_block_f64(block);
}

// Products of fewer multiply-adds stay on one thread: the serial steps in between are longer than a worker stays awake.
constexpr std::size_t kShared = std::size_t{1} << 23;
// Most rows in one task of a triangular solve, which packs the triangle once more.
constexpr std::size_t kTaskRows = 256;

// The recursion over one matrix: at each level the work is three products of half the size.
template <class T>
struct Recursion {
  static constexpr std::size_t kBlock = kCholeskyBlock;

  const Execution& execution;
  const KernelTable& table;
  std::size_t order;   // columns of A
  std::size_t stride;  // of `lower`, and all its rows
  T* lower;
  T* inverses;  // block b of the diagonal at inverses + b * kBlock * kBlock
  T* scratch;   // as many rows of kBlock elements as are solved at a time

  T* at(std::size_t i, std::size_t j) const noexcept { return lower + i * stride + j; }
  T* inverse(std::size_t i) const noexcept { return inverses + i * kBlock; }  // i: a multiple of kBlock
  // Where to cut a range that is longer than a block: near the middle, on a block boundary.
  static std::size_t split(std::size_t n) noexcept { return (n / 2 + kBlock - 1) / kBlock * kBlock; }

  Execution shared(std::size_t multiply_adds) const noexcept {
    Execution own = execution;
    if (multiply_adds < kShared) own.threads = 1;
    return own;
  }

  // C (m x n) = alpha A B + beta C, all with explicit strides.
  Status multiply(std::size_t m, std::size_t n, std::size_t k, T alpha, Matrices<const T> a, Matrices<const T> b,
                  T beta, T* c, std::size_t row_stride) const noexcept {
    return gemm(shared(m * n * k), Gemm<T>{1, m, n, k, alpha, beta, a, b, {c, row_stride, 1, 0}});
  }

  // Eliminates the first n columns from the square of `rows` rows at `first`.
  Status factor(std::size_t first, std::size_t n, std::size_t rows) const noexcept {
    if (n <= kBlock) {
      const Status status = invert_block(first, n);
      return status == Status::ok ? eliminate(first, n, rows) : status;
    }
    const std::size_t left = split(n);
    Status status = factor(first, left, left);
    if (status == Status::ok) status = eliminate(first, left, rows);
    return status == Status::ok ? factor(first + left, n - left, rows - left) : status;
  }

  Status invert_block(std::size_t first, std::size_t n) const noexcept {
    const T tolerance = static_cast<T>(order) * std::numeric_limits<T>::epsilon();
    T* out = inverse(first);
    if (run_block(table, {n, at(first, first), stride, tolerance, out}) == n) return Status::ok;
    return std::isfinite(out[0]) ? Status::not_positive_definite : Status::non_finite;
  }

  // What k factored columns do to the rows below them, down to row first + rows.
  Status eliminate(std::size_t first, std::size_t k, std::size_t rows) const noexcept {
    if (rows == k) return Status::ok;
    const Status status = solve_rows(first, k, first + k, rows - k);
    return status == Status::ok && first + k < order ? update(first + k, rows - k, first, k) : status;
  }

  // solve_lower() for the rows from `row` on: each task takes some of them through all k columns.
  Status solve_rows(std::size_t first, std::size_t k, std::size_t row, std::size_t rows) const noexcept {
    // An even number: two threads are the rule for sizes at which there are few tasks.
    const std::size_t tasks = rows <= kTaskRows ? 1 : (rows + 2 * kTaskRows - 1) / (2 * kTaskRows) * 2;
    const std::size_t most = (rows + tasks - 1) / tasks;
    std::atomic<Status> worst{Status::ok};
    const bool done = shared(rows * k * k / 2).parallel(tasks, [&](std::size_t task) {
      const std::size_t start = std::min(rows, task * most), count = std::min(most, rows - start);
      Execution own = execution;
      own.threads = 1;
      const Recursion part{own, table, order, stride, lower, inverses, scratch + start * kBlock};
      const Status status = part.solve_lower(first, k, count, at(row + start, first), stride);
      if (status != Status::ok) worst.store(status, std::memory_order_relaxed);
    });
    const Status status = worst.load(std::memory_order_relaxed);
    return done || status != Status::ok ? status : Status::cancelled;
  }

  // The lower triangle of n rows at `first` -= L L', L being their k columns from `column`.
  Status update(std::size_t first, std::size_t n, std::size_t column, std::size_t k) const noexcept {
    Product<T, T, T> product;
    product.m = product.n = n;
    product.k = k;
    product.alpha = -1;
    product.beta = 1;
    product.a = product.b = {at(first, column), stride, 1};
    product.c = at(first, first);
    product.c_stride = stride;
    product.lower = true;
    return packed_product<T>(shared(n * n / 2 * k), product);
  }

  // X <- X L^-T (transposed) or X L^-1, X: rows x n, for the n x n block of L at `first`.
  Status solve_block(std::size_t first, std::size_t n, std::size_t rows, T* x, std::size_t x_stride,
                     bool transposed) const noexcept {
    for (std::size_t i = 0; i < rows; ++i) std::memcpy(scratch + i * n, x + i * x_stride, n * sizeof(T));
    const std::size_t row_stride = transposed ? 1 : kBlock;
    return multiply(rows, n, n, 1, {scratch, n, 1, 0}, {inverse(first), row_stride, transposed ? kBlock : 1, 0}, 0, x,
                    x_stride);
  }

  Status solve_lower(std::size_t first, std::size_t n, std::size_t rows, T* x, std::size_t x_stride) const noexcept {
    if (n <= kBlock) return solve_block(first, n, rows, x, x_stride, true);
    const std::size_t left = split(n), right = n - left;
    Status status = solve_lower(first, left, rows, x, x_stride);
    if (status != Status::ok) return status;
    status = multiply(rows, right, left, -1, {x, x_stride, 1, 0}, {at(first + left, first), 1, stride, 0}, 1, x + left,
                      x_stride);
    return status == Status::ok ? solve_lower(first + left, right, rows, x + left, x_stride) : status;
  }

  Status solve_upper(std::size_t first, std::size_t n, std::size_t rows, T* x, std::size_t x_stride) const noexcept {
    if (n <= kBlock) return solve_block(first, n, rows, x, x_stride, false);
    const std::size_t left = split(n), right = n - left;
    Status status = solve_upper(first + left, right, rows, x + left, x_stride);
    if (status != Status::ok) return status;
    status = multiply(rows, left, right, -1, {x + left, x_stride, 1, 0}, {at(first + left, first), stride, 1, 0}, 1, x,
                      x_stride);
    return status == Status::ok ? solve_upper(first, left, rows, x, x_stride) : status;
  }
};

}  // namespace

template <class T>
Status CholeskyFactor<T>::factor(const Execution& execution, std::size_t n, std::size_t rhs,
                                 Buffer<T>&& matrix) noexcept {
  constexpr std::size_t block = kCholeskyBlock;
  n_ = n;
  stride_ = n + rhs;
  lower_ = std::move(matrix);
  inverses_ = Buffer<T>((n + block - 1) / block * block * block);
  Buffer<T> scratch(stride_ * block);
  if (!inverses_ || !scratch) return Status::out_of_memory;
  const Recursion<T> recursion{execution, kernels(), n, stride_, lower_.data(), inverses_.data(), scratch.data()};
  const Status status = recursion.factor(0, n, stride_);
  if (status != Status::ok || rhs == 0) return status;
  return recursion.solve_upper(0, n, rhs, recursion.at(n, 0), stride_);
}

template <class T>
Status CholeskyFactor<T>::solve(const Execution& execution, std::size_t rows, T* x) const noexcept {
  Buffer<T> scratch(rows * kCholeskyBlock);
  if (!scratch) return Status::out_of_memory;
  // The recursion only reads the factor here.
  const Recursion<T> recursion{
      execution,     kernels(), n_, stride_, const_cast<T*>(lower_.data()), const_cast<T*>(inverses_.data()),
      scratch.data()};
  const Status status = recursion.solve_lower(0, n_, rows, x, n_);
  return status == Status::ok ? recursion.solve_upper(0, n_, rows, x, n_) : status;
}

template class CholeskyFactor<float>;
template class CholeskyFactor<double>;

}  // namespace gradsift
