#include "native/linalg/residual.h"

#include <cmath>

#include "native/core/buffer.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/gemm.h"
#include "native/linalg/packed_product.h"
#include "native/linalg/rows.h"
#include "native/linalg/widened.h"

namespace gradsift {

namespace {

// Right-hand sides for which A is read where it lies: packing it pays from about as many on.
constexpr std::size_t kFewRows = 32;

// R -= H A', A transposed: a matrix that is not symmetric shows up here, as it should.
template <class T>
Status subtract_product(const Execution& execution, const SolveResidual<T>& p, const double* h, double* r) noexcept {
  const std::size_t n = p.n;
  if (p.rhs <= kFewRows) return row_dots(execution, Dots<T>{n, p.rhs, n, p.a, n, h, n, -1, 1, r, n});
  Product<T, T, double> product;
  product.m = p.rhs;
  product.n = product.k = n;
  product.alpha = -1;
  product.beta = 1;
  product.a = {p.h, n, 1};
  product.b = {p.a, n, 1};
  product.c = r;
  product.c_stride = n;
  return packed_product<double>(execution, product);
}

template <class T>
Status residual_of_solve(const Execution& execution, const SolveResidual<T>& p) noexcept {
  const std::size_t n = p.n;
  Widened<T> h;
  Buffer<double> own(p.remainder == nullptr ? p.rhs * n : 0);
  if (!own) return Status::out_of_memory;
  double* r = p.remainder == nullptr ? own.data() : p.remainder;
  Status status = h.open(execution, p.rhs, n, p.h);
  if (status != Status::ok) return status;
  for (std::size_t i = 0; i < p.rhs * n; ++i) r[i] = static_cast<double>(p.v[i]) - p.damping * h.data()[i];
  status = subtract_product(execution, p, h.data(), r);
  if (status != Status::ok) return status;
  const double whole = frobenius_norm(p.rhs, n, p.v), left = frobenius_norm(p.rhs, n, r);
  *p.residual = left == 0 ? 0 : left / whole;
  return Status::ok;
}

template <class T>
Status residual_of_inverse(const Execution& execution, const InverseResidual<T>& p) noexcept {
  const std::size_t n = p.n;
  Widened<T> a, x;
  Status status = a.open(execution, n, n, p.a);
  if (status == Status::ok) status = x.open(execution, n, n, p.x);
  if (status != Status::ok) return status;
  status = shifted_copy(execution, n, x.data(), -p.damping, 1, p.remainder);
  if (status != Status::ok) return status;
  Gemm<double> product;
  product.m = product.n = product.k = n;
  product.alpha = -1;
  product.beta = 1;
  product.a = {a.data(), n, 1, 0};
  product.b = {x.data(), n, 1, 0};
  product.c = {p.remainder, n, 1, 0};
  status = gemm(execution, product);
  if (status != Status::ok) return status;
  *p.residual = frobenius_norm(n, n, p.remainder) / std::sqrt(static_cast<double>(n));
  return Status::ok;
}

}  // namespace

template <class T>
double frobenius_norm(std::size_t rows, std::size_t columns, const T* x) noexcept {
  // The norm of the row norms, itself safe from overflow; updated like hypot, row after row.
  double largest = 0, scaled = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const double row = norm(columns, x + i * columns);
    if (!std::isfinite(row)) return row;
    if (row == 0) continue;
    if (row > largest) {
      scaled = scaled * (largest / row) * (largest / row) + 1;
      largest = row;
    } else {
      scaled += (row / largest) * (row / largest);
    }
  }
  return largest * std::sqrt(scaled);
}

template double frobenius_norm(std::size_t, std::size_t, const float*) noexcept;
template double frobenius_norm(std::size_t, std::size_t, const double*) noexcept;

Status solve_residual(const Execution& execution, const SolveResidual<float>& problem) noexcept {
  return residual_of_solve(execution, problem);
}
Status solve_residual(const Execution& execution, const SolveResidual<double>& problem) noexcept {
  return residual_of_solve(execution, problem);
}
Status inverse_residual(const Execution& execution, const InverseResidual<float>& problem) noexcept {
  return residual_of_inverse(execution, problem);
}
Status inverse_residual(const Execution& execution, const InverseResidual<double>& problem) noexcept {
  return residual_of_inverse(execution, problem);
}

}  // namespace gradsift
