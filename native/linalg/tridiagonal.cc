#include "native/linalg/tridiagonal.h"

#include <algorithm>
#include <cmath>

#include "native/core/buffer.h"
#include "native/kernels/table.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/gemm.h"
#include "native/linalg/packed_product.h"

namespace gradsift {

namespace {

// Reflections gathered before the leading block is updated. Each costs a pass over all before it in its panel; the
// update wants a depth (twice this) that pays for reading and writing the block.
constexpr std::size_t kPanel = 32;
// Rows of A in one task of a product with a vector, each with its own partial sums: constant, for the bits.
constexpr std::size_t kTaskRows = 64;
// A triangle with fewer entries is through in a few microseconds.
constexpr std::size_t kSharedTriangle = std::size_t{1} << 16;
// Reflections applied to the eigenvectors at a time: a multiple of every register tile's columns.
constexpr std::size_t kBlock = 96;
// A row this small beside a matrix of about 1 is taken to be zero: reflections of subnormal numbers are not orthogonal.
constexpr double kNegligible = 0x1p-900;

// One panel after the other. With U = (w_{p-1} ... w_0 | v_0 ... v_{p-1}) in rows and R the same rows upside down, the
// matrix is A - U' R, so that what is pending for a row, or for a product with a vector, is a sum of rows of U.
class Reduction {
 public:
  Reduction(const Execution& execution, const TridiagonalForm& form) noexcept
      : execution_(execution),
        form_(form),
        n_(form.n),
        u_(2 * kPanel * n_),
        r_(2 * kPanel * n_),
        partial_((n_ + kTaskRows - 1) / kTaskRows * n_) {}

  Status run() noexcept {
    if (!u_ || !r_ || !partial_) return Status::out_of_memory;
    for (std::size_t end = n_; end > 0;) {
      const std::size_t first = end > kPanel ? end - kPanel : 0;
      for (std::size_t i = end; i-- > first;) {
        if (!eliminate(i, end - 1 - i)) return Status::cancelled;
      }
      if (first > 0) {
        const Status status = update(first);
        if (status != Status::ok) return status;
      }
      end = first;
    }
    return Status::ok;
  }

 private:
  double* row(std::size_t i) const noexcept { return form_.a + i * n_; }
  const double* pending(std::size_t p) const noexcept { return u_.data() + (kPanel - p) * n_; }

  // x -= sum_k weights[k] (row k of the pending 2 p), over `length` entries.
  void subtract(std::size_t p, std::size_t length, double* weights, double* x) const noexcept {
    for (std::size_t k = 0; k < 2 * p; ++k) weights[k] = -weights[k];
    table_.weighted_rows_f64({2 * p, 1, length, pending(p), n_, weights, 0, x, 0});
  }

  // Row i, with p reflections pending. False when cancelled.
  bool eliminate(std::size_t i, std::size_t p) noexcept {
    double weights[2 * kPanel];
    double* a = row(i);
    for (std::size_t k = 0; k < 2 * p; ++k) weights[k] = r_[(kPanel - p + k) * n_ + i];
    subtract(p, i + 1, weights, a);
    form_.diagonal[i] = a[i];
    form_.tau[i] = 0;
    if (i == 0) return true;
    const double tau = form_.tau[i] = reflect(i, a);
    form_.off[i - 1] = beta_;
    double* w = u_.data() + (kPanel - 1 - p) * n_;
    if (tau == 0) {
      std::fill(w, w + i, 0.0);
    } else {
      if (!multiply(i, a, w)) return false;
      table_.dots_f64({2 * p, 1, i, pending(p), n_, a, 0, 1, 0, weights, 0});
      std::reverse(weights, weights + 2 * p);
      subtract(p, i, weights, w);
      // w = tau (y - tau/2 (y' v) v): then A - v w' - w v' = H A H.
      double overlap = 0;
      table_.dots_f64({1, 1, i, w, 0, a, 0, -tau / 2, 0, &overlap, 0});
      for (std::size_t j = 0; j < i; ++j) w[j] = tau * (w[j] + overlap * a[j]);
    }
    std::copy_n(a, i, u_.data() + (kPanel + p) * n_);
    std::copy_n(w, i, r_.data() + (kPanel + p) * n_);
    std::copy_n(a, i, r_.data() + (kPanel - 1 - p) * n_);
    return true;
  }

  // The reflection that leaves beta_ of the i entries x, in its last place: x becomes v, and tau is returned.
  double reflect(std::size_t i, double* x) noexcept {
    const double last = x[i - 1], rest = norm(i - 1, x);
    x[i - 1] = 1;
    if (!(rest > kNegligible)) {
      beta_ = last;
      std::fill(x, x + i - 1, 0.0);
      return 0;
    }
    beta_ = -std::copysign(std::hypot(last, rest), last);
    const double scale = last - beta_;
    for (std::size_t j = 0; j + 1 < i; ++j) x[j] /= scale;
    return -scale / beta_;
  }

  // y = A x for the leading block of i rows: partial sums by tasks of rows, added in order.
  bool multiply(std::size_t i, const double* x, double* y) noexcept {
    const std::size_t tasks = (i + kTaskRows - 1) / kTaskRows;
    Execution own = execution_;
    if (i * i / 2 < kSharedTriangle) own.threads = 1;
    const bool done = own.parallel(tasks, [&](std::size_t task) {
      const std::size_t first = (tasks - 1 - task) * kTaskRows;  // the longest rows first
      const std::size_t rows = std::min(kTaskRows, i - first);
      double* sums = first == 0 ? y : partial_.data() + first / kTaskRows * n_;
      std::fill(sums, sums + first + rows, 0.0);
      table_.lower_rows_f64({rows, first, row(first), n_, x, sums});
    });
    if (!done) return false;
    if (i > kTaskRows) std::fill(y + kTaskRows, y + i, 0.0);
    for (std::size_t first = kTaskRows; first < i; first += kTaskRows) {
      const double* sums = partial_.data() + first / kTaskRows * n_;
      const std::size_t length = std::min(first + kTaskRows, i);
      for (std::size_t j = 0; j < length; ++j) y[j] += sums[j];
    }
    return true;
  }

  // The leading block of `first` rows -= U' R, with a full panel pending.
  Status update(std::size_t first) const noexcept {
    Product<double, double, double> product;
    product.m = product.n = first;
    product.k = 2 * kPanel;
    product.alpha = -1;
    product.beta = 1;
    product.a = {u_.data(), 1, n_};
    product.b = {r_.data(), 1, n_};
    product.c = form_.a;
    product.c_stride = n_;
    product.lower = true;
    return packed_product<double>(execution_, product);
  }

  const Execution& execution_;
  const TridiagonalForm& form_;
  const std::size_t n_;
  const KernelTable& table_ = kernels();
  Buffer<double> u_, r_, partial_;
  double beta_ = 0;
};

Status multiply(const Execution& execution, std::size_t m, std::size_t n, std::size_t k, double alpha,
                Matrices<const double> a, Matrices<const double> b, double beta, double* c,
                std::size_t stride) noexcept {
  return gemm(execution, Gemm<double>{1, m, n, k, alpha, beta, a, b, {c, stride, 1, 0}});
}

// t: upper triangular, with H_first H_{first+1} ... = I - V' T V (Schreiber and Van Loan, 1989). gram = V V'.
void triangular_factor(std::size_t count, const double* tau, const double* gram, double* t) noexcept {
  std::fill(t, t + count * count, 0.0);
  for (std::size_t j = 0; j < count; ++j) {
    t[j * count + j] = tau[j];
    for (std::size_t i = 0; i < j; ++i) {
      double sum = 0;
      for (std::size_t k = i; k < j; ++k) sum += t[i * count + k] * gram[k * count + j];
      t[i * count + j] = -tau[j] * sum;
    }
  }
}

}  // namespace

Status tridiagonalise(const Execution& execution, const TridiagonalForm& form) noexcept {
  return Reduction(execution, form).run();
}

Status apply_reflections(const Execution& execution, const TridiagonalForm& form, double* z) noexcept {
  const std::size_t n = form.n;
  if (n <= 2) return Status::ok;
  Buffer<double> gram(kBlock * kBlock), t(kBlock * kBlock), tv(kBlock * n), zv(n * kBlock);
  if (!gram || !t || !tv || !zv) return Status::out_of_memory;
  for (std::size_t first = 2; first < n; first += kBlock) {
    const std::size_t count = std::min(kBlock, n - first), length = first + count - 1;
    double* v = form.a + first * n;
    for (std::size_t i = 0; i < count; ++i) std::fill(v + i * n + first + i, v + i * n + length, 0.0);
    const Matrices<const double> rows{v, n, 1, 0}, columns{v, 1, n, 0};
    Status status = multiply(execution, count, count, length, 1, rows, columns, 0, gram.data(), count);
    if (status != Status::ok) return status;
    triangular_factor(count, form.tau + first, gram.data(), t.data());
    status = multiply(execution, count, length, count, 1, {t.data(), count, 1, 0}, rows, 0, tv.data(), length);
    // Z <- Z - (Z V') (T V)
    if (status == Status::ok) {
      status = multiply(execution, n, count, length, 1, {z, n, 1, 0}, columns, 0, zv.data(), count);
    }
    if (status == Status::ok) {
      status = multiply(execution, n, length, count, -1, {zv.data(), count, 1, 0}, {tv.data(), length, 1, 0}, 1, z, n);
    }
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

}  // namespace gradsift
