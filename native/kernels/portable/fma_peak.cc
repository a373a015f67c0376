#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

// 12 xmm registers of accumulators: more than latency x width on any machine, and they fit beside factor and term.
template <class T>
double fma_peak(std::size_t iterations, T* sink) noexcept {
  constexpr std::size_t count = 12 * 16 / sizeof(T);
  T sum[count];
  for (std::size_t i = 0; i < count; ++i) sum[i] = static_cast<T>(i);
  const T factor = static_cast<T>(0.999);
  const T term = static_cast<T>(0.001);
  for (std::size_t step = 0; step < iterations; ++step) {
    for (std::size_t i = 0; i < count; ++i) sum[i] = sum[i] * factor + term;
  }
  for (std::size_t i = 0; i < count; ++i) *sink += sum[i];
  return 2.0 * static_cast<double>(count) * static_cast<double>(iterations);
}

}  // namespace

double fma_peak_f32(std::size_t iterations, float* sink) noexcept { return fma_peak(iterations, sink); }
double fma_peak_f64(std::size_t iterations, double* sink) noexcept { return fma_peak(iterations, sink); }

}  // namespace gradsift::portable
