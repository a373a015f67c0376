// Single passes over stored rows, summed in float64.
#include "native/kernels/portable/table.h"
#include "native/kernels/portable/widen.h"

namespace gradsift::portable {

namespace {

// Independent partial sums: enough to hide the latency of an addition (4 to 5 cycles, 1 or 2 started a cycle).
constexpr std::size_t kLanes = 8;

template <class T, class U>
double dot(const T* x, const U* y, std::size_t length) noexcept {
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= length; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += static_cast<double>(widen(x[i + lane])) * static_cast<double>(widen(y[i + lane]));
    }
  }
  for (std::size_t lane = 0; i < length; ++i, ++lane) {
    lanes[lane] += static_cast<double>(widen(x[i])) * static_cast<double>(widen(y[i]));
  }
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

template <class T>
void dots(const Dots<T>& dots) noexcept {
  for (std::size_t i = 0; i < dots.rows; ++i) {
    std::size_t first = 0;
    do {  // once for rows of no elements, too: out is set
      const std::size_t columns = dots.length - first < kDotColumns ? dots.length - first : kDotColumns;
      const double beta = first == 0 ? dots.beta : 1.0;
      const T* x = dots.x + i * dots.x_stride + first;
      if (dots.norms != nullptr) dots.norms[i] += dot(x, x, columns);
      for (std::size_t q = 0; q < dots.queries; ++q) {
        const double value = dots.alpha * dot(x, dots.h + q * dots.h_stride + first, columns);
        double* out = dots.out + q * dots.out_stride + i;
        *out = beta == 0 ? value : value + beta * *out;
      }
      first += kDotColumns;
    } while (first < dots.length);
  }
}

// Columns summed at a time: 64 doubles are 512 bytes, in the first-level cache while all rows are added.
constexpr std::size_t kStripe = 64;

template <class T>
void weighted_rows(const WeightedRows<T>& sum) noexcept {
  for (std::size_t q = 0; q < sum.queries; ++q) {
    for (std::size_t start = 0; start < sum.length; start += kStripe) {
      const std::size_t columns = sum.length - start < kStripe ? sum.length - start : kStripe;
      double partial[kStripe] = {};
      for (std::size_t i = 0; i < sum.rows; ++i) {
        const double weight = sum.weights[q * sum.w_stride + i];
        const T* x = sum.x + i * sum.x_stride + start;
        for (std::size_t j = 0; j < columns; ++j) partial[j] += weight * static_cast<double>(widen(x[j]));
      }
      double* out = sum.out + q * sum.out_stride + start;
      for (std::size_t j = 0; j < columns; ++j) out[j] += partial[j];
    }
  }
}

}  // namespace

void dots_f32(const Dots<float>& d) noexcept { dots(d); }
void dots_f64(const Dots<double>& d) noexcept { dots(d); }
void dots_bf16(const Dots<Bfloat16>& d) noexcept { dots(d); }
void dots_f16(const Dots<Float16>& d) noexcept { dots(d); }
void weighted_rows_f32(const WeightedRows<float>& sum) noexcept { weighted_rows(sum); }
void weighted_rows_f64(const WeightedRows<double>& sum) noexcept { weighted_rows(sum); }
void weighted_rows_bf16(const WeightedRows<Bfloat16>& sum) noexcept { weighted_rows(sum); }
void weighted_rows_f16(const WeightedRows<Float16>& sum) noexcept { weighted_rows(sum); }
double sum_squares_f32(const float* x, std::size_t count) noexcept { return dot(x, x, count); }
double sum_squares_f64(const double* x, std::size_t count) noexcept { return dot(x, x, count); }

}  // namespace gradsift::portable
