#pragma once
// The passes of a training step that are no products, all in float32: their contracts. As in table.h, inputs were
// checked above, sizes of 0 are fine, and a result has the same bits wherever its row is worked on.
// An output may be one of the inputs of the same call, at the same place.

#include <cstddef>
#include <cstdint>

namespace gradsift {

// out[i] = x[i] op y[i] for i < count; an input that repeats is one value, used for all.
enum class ZipOperation : std::uint8_t { add, subtract, multiply, divide };
struct Zip {
  ZipOperation operation;
  std::size_t count;
  const float* x;
  bool x_repeats;
  const float* y;
  bool y_repeats;
  float* out;
};

// y[j] = exp(scale (x[j] - m)) / (the sum of these), m = max x, over j < length, 1 <= length <= columns; zero from
// there to columns. scale > 0.
struct SoftmaxRow {
  std::size_t length, columns;
  float scale;
  const float* x;
  float* y;
};

// The gradient of the above: dx[j] = scale y[j] (dy[j] - sum_k y[k] dy[k]), zero from length on.
struct SoftmaxGradientRow {
  std::size_t length, columns;
  float scale;
  const float* y;
  const float* dy;
  float* dx;
};

// Returns log(sum_j exp(x[j])) - x[label]. gradient[j] = scale (softmax(x)[j] - [j == label]), unless it is null.
// label < columns.
struct CrossEntropyRow {
  std::size_t columns, label;
  const float* x;
  float scale;
  float* gradient;
};

// y = gain (x - mean) / sqrt(mean of (x - mean)^2 + epsilon) + bias, element by element; where not `centred`, without
// the mean. bias null: none.
struct NormRow {
  std::size_t columns;
  bool centred;
  float epsilon;
  const float* x;
  const float* gain;
  const float* bias;
  float* y;
};

// Its gradients: dx for this row, and what the row adds to those of gain and bias (bias_sum null: not wanted).
struct NormGradientRow {
  std::size_t columns;
  bool centred;
  float epsilon;
  const float* x;
  const float* gain;
  const float* dy;
  float* dx;
  float* gain_sum;
  float* bias_sum;
};

// m <- beta1 m + rest1 g,  v <- beta2 v + rest2 g^2,
// p <- p - rate (m first / (sqrt(v second) + epsilon) + decay p), element by element.
struct Adam {
  std::size_t count;
  float beta1, rest1, beta2, rest2, first, second, rate, epsilon, decay;
  const float* g;
  float* m;
  float* v;
  float* p;
};

struct TrainingKernels {
  void (*zip)(const Zip&) noexcept;
  void (*softmax)(const SoftmaxRow&) noexcept;
  void (*softmax_gradient)(const SoftmaxGradientRow&) noexcept;
  float (*cross_entropy)(const CrossEntropyRow&) noexcept;
  void (*norm)(const NormRow&) noexcept;
  void (*norm_gradient)(const NormGradientRow&) noexcept;
  // y[i] = x[i] P(x[i]), P the distribution function of the normal distribution.
  void (*gelu)(const float* x, std::size_t count, float* y) noexcept;
  // dx[i] = dy[i] (P(x[i]) + x[i] P'(x[i])).
  void (*gelu_gradient)(const float* x, const float* dy, std::size_t count, float* dx) noexcept;
  void (*adam)(const Adam&) noexcept;
};

}  // namespace gradsift
