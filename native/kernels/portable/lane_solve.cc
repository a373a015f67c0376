#include <cmath>
#include <type_traits>

#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

// One 128-bit register of any machine.
template <class T>
constexpr std::size_t kLanes = 16 / sizeof(T);

// The lanes of one element of a matrix with rows of n elements.
template <class T>
T* at(T* matrix, std::size_t n, std::size_t i, std::size_t j) noexcept {
  return matrix + (i * n + j) * kLanes<std::remove_const_t<T>>;
}

template <class T>
void factor(const LaneFactor<T>& p) noexcept {
  for (std::size_t i = 0; i < p.n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      T sum[kLanes<T>] = {};
      for (std::size_t k = 0; k < j; ++k) {
        const T *x = at(p.lower, p.n, i, k), *y = at(p.lower, p.n, j, k);
        for (std::size_t l = 0; l < kLanes<T>; ++l) sum[l] += x[l] * y[l];
      }
      const T *a = at(p.a, p.n, i, j), *inverse = at(p.lower, p.n, j, j);
      T* out = at(p.lower, p.n, i, j);
      for (std::size_t l = 0; l < kLanes<T>; ++l) {
        if (i != j) {
          out[l] = (a[l] - sum[l]) * inverse[l];
        } else {
          const T pivot = p.pivots[i * kLanes<T> + l] = a[l] + p.damping - sum[l];
          out[l] = 1 / std::sqrt(pivot);
        }
      }
    }
  }
}

// x[i] = (x[i] - sum of entry(k) x[k], k in [begin, end)) / L_ii
template <class T, class Entry>
void substitute(const LaneSolve<T>& p, T* x, std::size_t i, std::size_t begin, std::size_t end,
                const Entry& entry) noexcept {
  T sum[kLanes<T>] = {};
  for (std::size_t k = begin; k < end; ++k) {
    const T *factor = entry(k), *other = x + k * kLanes<T>;
    for (std::size_t l = 0; l < kLanes<T>; ++l) sum[l] += factor[l] * other[l];
  }
  const T* inverse = at(p.lower, p.n, i, i);
  for (std::size_t l = 0; l < kLanes<T>; ++l) x[i * kLanes<T> + l] = (x[i * kLanes<T> + l] - sum[l]) * inverse[l];
}

template <class T>
void solve(const LaneSolve<T>& p) noexcept {
  for (std::size_t j = 0; j < p.rhs; ++j) {
    T* x = at(p.x, p.n, j, 0);
    for (std::size_t i = p.first; i < p.n; ++i) {
      substitute(p, x, i, p.first, i, [&](std::size_t k) { return at(p.lower, p.n, i, k); });
    }
    for (std::size_t i = p.n; i-- > p.first;) {
      substitute(p, x, i, i + 1, p.n, [&](std::size_t k) { return at(p.lower, p.n, k, i); });
    }
  }
}

template <class T>
void remainder(const LaneRemainder<T>& p) noexcept {
  for (std::size_t l = 0; l < kLanes<T>; ++l) p.squares[l] = 0;
  for (std::size_t j = 0; j < p.rhs; ++j) {
    for (std::size_t i = 0; i < p.n; ++i) {
      double sum[kLanes<T>] = {};
      for (std::size_t k = 0; k < p.n; ++k) {
        const T *a = at(p.a, p.n, i, k), *h = at(p.h, p.n, j, k);
        for (std::size_t l = 0; l < kLanes<T>; ++l) sum[l] += static_cast<double>(a[l]) * static_cast<double>(h[l]);
      }
      const T* h = at(p.h, p.n, j, i);
      for (std::size_t l = 0; l < kLanes<T>; ++l) {
        const double given = p.v != nullptr ? static_cast<double>(at(p.v, p.n, j, i)[l]) : i == j ? 1 : 0;
        const double left = given - p.damping * static_cast<double>(h[l]) - sum[l];
        p.squares[l] += left * left;
        if (p.remainder != nullptr) at(p.remainder, p.n, j, i)[l] = static_cast<T>(left);
      }
    }
  }
}

template <class T>
void squares(const T* x, std::size_t count, double* out) noexcept {
  for (std::size_t l = 0; l < kLanes<T>; ++l) out[l] = 0;
  for (std::size_t i = 0; i < count; ++i, x += kLanes<T>) {
    for (std::size_t l = 0; l < kLanes<T>; ++l) out[l] += static_cast<double>(x[l]) * static_cast<double>(x[l]);
  }
}

}  // namespace

constinit const LaneKernel<float> kLanesF32 = {kLanes<float>, factor<float>, solve<float>, remainder<float>,
                                               squares<float>};
constinit const LaneKernel<double> kLanesF64 = {kLanes<double>, factor<double>, solve<double>, remainder<double>,
                                                squares<double>};

}  // namespace gradsift::portable
