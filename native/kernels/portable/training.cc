// The passes of a training step. Sums and elementary functions are those of float64.
#include <algorithm>
#include <cmath>

#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

template <class Operation>
void zip_rows(const Zip& zip, const Operation& operation) noexcept {
  const std::size_t x = zip.x_repeats ? 0 : 1, y = zip.y_repeats ? 0 : 1;
  for (std::size_t i = 0; i < zip.count; ++i) zip.out[i] = operation(zip.x[i * x], zip.y[i * y]);
}

void zip(const Zip& zip) noexcept {
  switch (zip.operation) {
    case ZipOperation::add:
      return zip_rows(zip, [](float x, float y) { return x + y; });
    case ZipOperation::subtract:
      return zip_rows(zip, [](float x, float y) { return x - y; });
    case ZipOperation::multiply:
      return zip_rows(zip, [](float x, float y) { return x * y; });
    case ZipOperation::divide:
      return zip_rows(zip, [](float x, float y) { return x / y; });
  }
}

// exp(scale (x - most)), and the sum of it over the row.
struct Exponentials {
  float scale, most;
  double sum = 0;

  Exponentials(const float* x, std::size_t count, float factor) noexcept
      : scale(factor), most(*std::max_element(x, x + count)) {
    for (std::size_t j = 0; j < count; ++j) sum += of(x[j]);
  }
  double of(float x) const noexcept { return std::exp(static_cast<double>(scale * (x - most))); }
};

void softmax(const SoftmaxRow& row) noexcept {
  const Exponentials exponentials(row.x, row.length, row.scale);
  for (std::size_t j = 0; j < row.length; ++j) {
    row.y[j] = static_cast<float>(exponentials.of(row.x[j]) / exponentials.sum);
  }
  std::fill(row.y + row.length, row.y + row.columns, 0.0f);
}

void softmax_gradient(const SoftmaxGradientRow& row) noexcept {
  double dot = 0;
  for (std::size_t j = 0; j < row.length; ++j) dot += static_cast<double>(row.y[j]) * static_cast<double>(row.dy[j]);
  const float mean = static_cast<float>(dot);
  for (std::size_t j = 0; j < row.length; ++j) row.dx[j] = row.scale * row.y[j] * (row.dy[j] - mean);
  std::fill(row.dx + row.length, row.dx + row.columns, 0.0f);
}

float cross_entropy(const CrossEntropyRow& row) noexcept {
  const Exponentials exponentials(row.x, row.columns, 1);
  const double label = static_cast<double>(row.x[row.label]);
  if (row.gradient != nullptr) {
    for (std::size_t j = 0; j < row.columns; ++j) {
      const double share = exponentials.of(row.x[j]) / exponentials.sum - (j == row.label ? 1 : 0);
      row.gradient[j] = row.scale * static_cast<float>(share);
    }
  }
  return static_cast<float>(std::log(exponentials.sum) + (static_cast<double>(exponentials.most) - label));
}

struct Moments {
  double mean = 0, inverse = 0;

  Moments(const float* x, std::size_t columns, bool centred, float epsilon) noexcept {
    const double count = static_cast<double>(columns);
    double sum = 0, squares = 0;
    for (std::size_t j = 0; j < columns; ++j) sum += static_cast<double>(x[j]);
    if (centred) mean = sum / count;
    for (std::size_t j = 0; j < columns; ++j) {
      const double difference = static_cast<double>(x[j]) - mean;
      squares += difference * difference;
    }
    inverse = 1 / std::sqrt(squares / count + static_cast<double>(epsilon));
  }
  float normal(float x) const noexcept { return static_cast<float>((static_cast<double>(x) - mean) * inverse); }
};

void norm(const NormRow& row) noexcept {
  const Moments moments(row.x, row.columns, row.centred, row.epsilon);
  for (std::size_t j = 0; j < row.columns; ++j) {
    row.y[j] = moments.normal(row.x[j]) * row.gain[j] + (row.bias == nullptr ? 0.0f : row.bias[j]);
  }
}

void norm_gradient(const NormGradientRow& row) noexcept {
  const Moments moments(row.x, row.columns, row.centred, row.epsilon);
  double level = 0, along = 0;
  for (std::size_t j = 0; j < row.columns; ++j) {
    const double slope = static_cast<double>(row.gain[j] * row.dy[j]);
    level += slope;
    along += slope * static_cast<double>(moments.normal(row.x[j]));
  }
  const double count = static_cast<double>(row.columns);
  const float mean_level = row.centred ? static_cast<float>(level / count) : 0,
              mean_along = static_cast<float>(along / count);
  for (std::size_t j = 0; j < row.columns; ++j) {
    const float normal = moments.normal(row.x[j]), given = row.dy[j];
    row.gain_sum[j] += given * normal;
    if (row.bias_sum != nullptr) row.bias_sum[j] += given;
    row.dx[j] = static_cast<float>(moments.inverse) * (row.gain[j] * given - mean_level - normal * mean_along);
  }
}

// P(x) of the normal distribution.
double normal_below(double x) noexcept { return 0.5 * std::erfc(-x * std::sqrt(0.5)); }

void gelu(const float* x, std::size_t count, float* y) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(x[i]);
    y[i] = static_cast<float>(value * normal_below(value));
  }
}

void gelu_gradient(const float* x, const float* dy, std::size_t count, float* dx) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(x[i]);
    const double density = 0.3989422804014327 * std::exp(-0.5 * value * value);  // 1 / sqrt(2 pi)
    dx[i] = static_cast<float>(static_cast<double>(dy[i]) * (normal_below(value) + value * density));
  }
}

void adam(const Adam& step) noexcept {
  for (std::size_t i = 0; i < step.count; ++i) {
    const float g = step.g[i], p = step.p[i];
    const float m = step.m[i] = step.beta1 * step.m[i] + step.rest1 * g;
    const float v = step.v[i] = step.beta2 * step.v[i] + step.rest2 * (g * g);
    const float direction = m * step.first / (std::sqrt(v * step.second) + step.epsilon);
    step.p[i] = p - step.rate * (direction + step.decay * p);
  }
}

}  // namespace

constinit const TrainingKernels kTrainingF32 = {zip,           softmax, softmax_gradient, cross_entropy, norm,
                                                norm_gradient, gelu,    gelu_gradient,    adam};

}  // namespace gradsift::portable
