#include "native/linalg/hyperpower_factors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "native/linalg/elementwise.h"
#include "native/linalg/symmetric_product.h"

namespace gradsift {

template <class T>
double residual_norm_from_next(std::size_t n, const T* next, double scale) noexcept {
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) squares += (static_cast<double>(next[i * n + i]) - (1 - scale)) / scale;
  return std::isfinite(squares) ? std::sqrt(std::max(0.0, squares)) : squares * squares;
}

template <class From, class T>
Status first_residual(const Execution& execution, std::size_t n, const From* a, double damping, double start,
                      T* out) noexcept {
  return shifted_copy(execution, n, a, -start, 1 - start * damping, out);
}

template <class T>
Status next_residual(const Execution& execution, std::size_t n, const T* residual, double scale, T* next) noexcept {
  SymmetricProduct<T> square;
  square.n = n;
  square.alpha = static_cast<T>(scale);
  square.gamma = static_cast<T>(1 - scale);
  square.a = square.b = {residual, n, 1, 0};
  square.c = {next, n, 1, 0};
  return symmetric_product(execution, square);
}

template <class T>
Guard check_residual(const HyperpowerScalars& scalars, const HyperpowerInterval& interval, unsigned k, double frobenius,
                     double previous) noexcept {
  const double roundoff = std::numeric_limits<T>::epsilon() / 2;
  // A rounding of R_k grows by up to order^2, the slope of the polynomial at 1, in each further step, until the
  // spectrum is resolved. 8: those of a product grow like the square root of its length in practice, and the guard
  // looks at norms.
  const double growth = std::pow(static_cast<double>(scalars.order), 2.0 * static_cast<double>(std::min(k, 60u)));
  const double amplified = std::min(growth, interval.b / interval.a);
  const double rounding = 8 * roundoff * (amplified + std::sqrt(interval.order));
  const double limit = std::sqrt(interval.order) * (scalars.rho[k] * (1 + 8 * roundoff) + rounding);
  if (frobenius <= limit) return Guard::fits;
  const bool grows = frobenius > 1 && frobenius > 1.01 * previous;
  return grows || !(frobenius <= 1.01 * std::sqrt(interval.order)) ? Guard::grew : Guard::stuck;
}

template double residual_norm_from_next(std::size_t, const float*, double) noexcept;
template double residual_norm_from_next(std::size_t, const double*, double) noexcept;
template Status first_residual(const Execution&, std::size_t, const float*, double, double, float*) noexcept;
template Status first_residual(const Execution&, std::size_t, const double*, double, double, float*) noexcept;
template Status first_residual(const Execution&, std::size_t, const double*, double, double, double*) noexcept;
template Status next_residual(const Execution&, std::size_t, const float*, double, float*) noexcept;
template Status next_residual(const Execution&, std::size_t, const double*, double, double*) noexcept;
template Guard check_residual<float>(const HyperpowerScalars&, const HyperpowerInterval&, unsigned, double,
                                     double) noexcept;
template Guard check_residual<double>(const HyperpowerScalars&, const HyperpowerInterval&, unsigned, double,
                                      double) noexcept;

}  // namespace gradsift
