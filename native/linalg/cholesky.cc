#include "native/linalg/cholesky.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "native/linalg/elementwise.h"
#include "native/linalg/gemm.h"
#include "native/linalg/residual.h"
#include "native/linalg/spectral_bounds.h"

namespace gradsift {

namespace {

// Diagonal blocks of this size are factored and inverted by plain loops: 2/3 kBlock^2 n flops in all, under 2 % of the
// work from n = 512 on, while a block and its inverse (2 x 8 KiB in float64) stay in the first-level cache.
constexpr std::size_t kBlock = 32;
// Below this size a diagonal block is updated in full rather than split: half the flops are wasted, but a product of
// less than this does not pay for its packing.
constexpr std::size_t kFullUpdate = 96;

// Where to cut a range that is longer than a block: near the middle, on a block boundary.
std::size_t split(std::size_t n) noexcept { return (n / 2 + kBlock - 1) / kBlock * kBlock; }

// C (m x n) += alpha A B, all with explicit strides.
template <class T>
Status multiply(const Execution& execution, std::size_t m, std::size_t n, std::size_t k, T alpha, Matrices<const T> a,
                Matrices<const T> b, T beta, T* c, std::size_t row_stride) noexcept {
  Gemm<T> product;
  product.m = m;
  product.n = n;
  product.k = k;
  product.alpha = alpha;
  product.beta = beta;
  product.a = a;
  product.b = b;
  product.c = {c, row_stride, 1, 0};
  return gemm(for_product(execution, m * n * k), product);
}

// One diagonal block: lower <- L, inverse <- L^-1 (kBlock x kBlock, zeros above). Works on U = L' row by row, so that
// the inner loops run along memory.
template <class T>
Status factor_block(std::size_t n, std::size_t order, T* lower, std::size_t stride, T* inverse) noexcept {
  alignas(kAlignment) T u[kBlock][kBlock];
  T diagonal[kBlock];
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i; j < n; ++j) u[i][j] = lower[j * stride + i];
    diagonal[i] = u[i][i];
  }
  const T roundings = static_cast<T>(order) * std::numeric_limits<T>::epsilon();
  for (std::size_t j = 0; j < n; ++j) {
    const T pivot = u[j][j];
    if (!std::isfinite(pivot)) return Status::non_finite;
    if (!(pivot > roundings * std::fabs(diagonal[j]))) return Status::not_positive_definite;
    const T scale = 1 / std::sqrt(pivot);
    for (std::size_t k = j; k < n; ++k) u[j][k] *= scale;
    for (std::size_t i = j + 1; i < n; ++i) {
      const T factor = u[j][i];
      for (std::size_t k = i; k < n; ++k) u[i][k] -= factor * u[j][k];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) lower[i * stride + j] = u[j][i];
  }
  // Row i of L^-1 = (e_i - sum over j < i of L_ij row j) / L_ii.
  std::fill(inverse, inverse + kBlock * kBlock, T(0));
  for (std::size_t i = 0; i < n; ++i) {
    T* row = inverse + i * kBlock;
    for (std::size_t j = 0; j < i; ++j) {
      const T factor = u[j][i];
      for (std::size_t k = 0; k <= j; ++k) row[k] -= factor * inverse[j * kBlock + k];
    }
    const T scale = 1 / u[i][i];
    for (std::size_t k = 0; k < i; ++k) row[k] *= scale;
    row[i] = scale;
  }
  return Status::ok;
}

// The recursion over one matrix: at each level the work is three products of half the size.
template <class T>
struct Recursion {
  const Execution& execution;
  std::size_t order;  // of the whole matrix, and the row stride of `lower`
  T* lower;
  T* inverses;  // block b of the diagonal at inverses + b * kBlock * kBlock
  T* scratch;   // order x kBlock

  T* at(std::size_t i, std::size_t j) const noexcept { return lower + i * order + j; }
  T* inverse(std::size_t i) const noexcept { return inverses + i / kBlock * kBlock * kBlock; }

  Status factor(std::size_t first, std::size_t n) const noexcept {
    if (n <= kBlock) return factor_block(n, order, at(first, first), order, inverse(first));
    const std::size_t top = split(n), bottom = n - top;
    Status status = factor(first, top);
    if (status == Status::ok) status = solve_lower(first, top, bottom, at(first + top, first), order);
    if (status == Status::ok) status = update(first + top, bottom, first, top);
    return status == Status::ok ? factor(first + top, bottom) : status;
  }

  // The diagonal block of n rows at `first` -= L L', L being its rows of the k columns from `column`.
  Status update(std::size_t first, std::size_t n, std::size_t column, std::size_t k) const noexcept {
    const Matrices<const T> rows{at(first, column), order, 1, 0}, transposed{at(first, column), 1, order, 0};
    if (n <= kFullUpdate) {
      return multiply<T>(execution, n, n, k, -1, rows, transposed, 1, at(first, first), order);
    }
    const std::size_t top = split(n), bottom = n - top;
    Status status = update(first, top, column, k);
    if (status != Status::ok) return status;
    const Matrices<const T> low{at(first + top, column), order, 1, 0};
    status = multiply<T>(execution, bottom, top, k, -1, low, transposed, 1, at(first + top, first), order);
    return status == Status::ok ? update(first + top, bottom, column, k) : status;
  }

  // X <- X L^-T (transposed) or X L^-1, X: rows x n, for the n x n block of L at `first`.
  Status solve_block(std::size_t first, std::size_t n, std::size_t rows, T* x, std::size_t stride,
                     bool transposed) const noexcept {
    for (std::size_t i = 0; i < rows; ++i) std::memcpy(scratch + i * n, x + i * stride, n * sizeof(T));
    const std::size_t row_stride = transposed ? 1 : kBlock;
    return multiply<T>(execution, rows, n, n, 1, {scratch, n, 1, 0},
                       {inverse(first), row_stride, transposed ? kBlock : 1, 0}, 0, x, stride);
  }

  Status solve_lower(std::size_t first, std::size_t n, std::size_t rows, T* x, std::size_t stride) const noexcept {
    if (n <= kBlock) return solve_block(first, n, rows, x, stride, true);
    const std::size_t left = split(n), right = n - left;
    Status status = solve_lower(first, left, rows, x, stride);
    if (status != Status::ok) return status;
    status = multiply<T>(execution, rows, right, left, -1, {x, stride, 1, 0}, {at(first + left, first), 1, order, 0}, 1,
                         x + left, stride);
    return status == Status::ok ? solve_lower(first + left, right, rows, x + left, stride) : status;
  }

  Status solve_upper(std::size_t first, std::size_t n, std::size_t rows, T* x, std::size_t stride) const noexcept {
    if (n <= kBlock) return solve_block(first, n, rows, x, stride, false);
    const std::size_t left = split(n), right = n - left;
    Status status = solve_upper(first + left, right, rows, x + left, stride);
    if (status != Status::ok) return status;
    status = multiply<T>(execution, rows, left, right, -1, {x + left, stride, 1, 0},
                         {at(first + left, first), order, 1, 0}, 1, x, stride);
    return status == Status::ok ? solve_upper(first, left, rows, x, stride) : status;
  }
};

// Factors A + damping I and solves for the rows of h, which hold V on entry.
template <class T>
Status factor_and_solve(const Execution& execution, const CholeskySolve<T>& p, const T* a, T* h,
                        CholeskyFactor<T>& cholesky, Certificate& certificate) noexcept {
  SpectralBounds bounds;
  Status status = norm_bounds(execution, p.n, a, p.damping, bounds);
  certificate.lambda_min = p.damping;
  certificate.lambda_max = bounds.upper;
  certificate.flops = bounds.flops + CholeskyFactor<T>::factor_flops(static_cast<double>(p.n));
  if (status != Status::ok) return status;
  Buffer<T> matrix(p.n * p.n);
  if (!matrix) return Status::out_of_memory;
  status = shifted_copy(execution, p.n, a, 1, p.damping, matrix.data());
  if (status == Status::ok) status = cholesky.factor(execution, p.n, std::move(matrix));
  return status == Status::ok ? cholesky.solve(execution, p.rhs, h) : status;
}

// One step of refinement: h + A^-1 remainder replaces h if its residual is smaller.
template <class T>
Status refine(const Execution& execution, const CholeskyFactor<T>& cholesky, const SolveResidual<T>& check, T* h,
              Certificate& certificate) noexcept {
  const std::size_t count = check.rhs * check.n;
  Buffer<T> refined(count);
  if (!refined) return Status::out_of_memory;
  convert(count, check.remainder, 1, refined.data());
  Status status = cholesky.solve(execution, check.rhs, refined.data());
  if (status != Status::ok) return status;
  for (std::size_t i = 0; i < count; ++i) refined[i] += h[i];
  SolveResidual<T> again = check;
  double residual = 0;
  again.h = refined.data();
  again.residual = &residual;
  status = solve_residual(execution, again);
  if (status == Status::ok && residual < certificate.residual) {
    certificate.residual = residual;
    certificate.refinements = 1;
    std::copy_n(refined.data(), count, h);
  }
  return status;
}

template <class T>
Status solve_matrix(const Execution& execution, const CholeskySolve<T>& p, std::size_t b) noexcept {
  const std::size_t n = p.n, count = p.rhs * n;
  Certificate& certificate = p.certificates[b] = {};
  const T* a = p.a + b * n * n;
  T* h = p.h + b * count;
  Buffer<T> v(count);  // H may be V, and the residual needs V
  Buffer<double> remainder(count);
  if (!v || !remainder) return Status::out_of_memory;
  std::copy_n(p.v + b * count, count, v.data());
  std::copy_n(v.data(), count, h);
  const double size = frobenius_norm(p.rhs, n, v.data());
  CholeskyFactor<T> cholesky;
  Status status =
      std::isfinite(size) ? factor_and_solve(execution, p, a, h, cholesky, certificate) : Status::non_finite;
  if (status == Status::ok) {
    const SolveResidual<T> check{n, p.rhs, a, p.damping, v.data(), h, remainder.data(), &certificate.residual};
    status = solve_residual(execution, check);
    if (status == Status::ok && certificate.residual > p.tolerance) {
      status = refine(execution, cholesky, check, h, certificate);
    }
    // The solve and the residual cost the same; both are done once more for each step of refinement.
    const double work = 2 * CholeskyFactor<T>::solve_flops(static_cast<double>(n), static_cast<double>(p.rhs));
    certificate.flops += work * (1 + certificate.refinements);
    if (status == Status::ok && !std::isfinite(certificate.residual)) status = Status::non_finite;  // overflow
  }
  if (numerical(status)) {
    reject(certificate, status, count, h, size == 0);
    return Status::ok;
  }
  if (!(certificate.residual <= p.tolerance)) certificate.status = Status::stagnated;
  return status;
}

template <class T>
Status solve_batch(const Execution& execution, const CholeskySolve<T>& p) noexcept {
  return for_each_matrix(execution, p.batch, p.n,
                         [&](const Execution& inner, std::size_t b) { return solve_matrix(inner, p, b); });
}

}  // namespace

template <class T>
Status CholeskyFactor<T>::factor(const Execution& execution, std::size_t n, Buffer<T>&& matrix) noexcept {
  n_ = n;
  lower_ = std::move(matrix);
  inverses_ = Buffer<T>((n + kBlock - 1) / kBlock * kBlock * kBlock);
  Buffer<T> scratch(n * kBlock);
  if (!inverses_ || !scratch) return Status::out_of_memory;
  return Recursion<T>{execution, n, lower_.data(), inverses_.data(), scratch.data()}.factor(0, n);
}

template <class T>
Status CholeskyFactor<T>::solve(const Execution& execution, std::size_t rows, T* x) const noexcept {
  Buffer<T> scratch(rows * kBlock);
  if (!scratch) return Status::out_of_memory;
  // The recursion only reads the factor here.
  const Recursion<T> recursion{execution, n_, const_cast<T*>(lower_.data()), const_cast<T*>(inverses_.data()),
                               scratch.data()};
  const Status status = recursion.solve_lower(0, n_, rows, x, n_);
  return status == Status::ok ? recursion.solve_upper(0, n_, rows, x, n_) : status;
}

template class CholeskyFactor<float>;
template class CholeskyFactor<double>;

Status cholesky_solve(const Execution& execution, const CholeskySolve<float>& problem) noexcept {
  return solve_batch(execution, problem);
}
Status cholesky_solve(const Execution& execution, const CholeskySolve<double>& problem) noexcept {
  return solve_batch(execution, problem);
}

}  // namespace gradsift
