#pragma once
// Softmax over rows, its gradient, and the cross-entropy with integer labels. All float32, [rows][columns], contiguous.

#include <cstddef>
#include <cstdint>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// scale > 0. causal: row i of each square matrix takes its first i % columns + 1 elements only; the others become zero.
struct Softmax {
  std::size_t rows, columns;
  float scale;
  bool causal;
};

// y = softmax(scale x). y may be x.
Status softmax(const Execution& execution, const Softmax& shape, const float* x, float* y) noexcept;

// dx = the gradient at y = softmax(scale x). dx may be dy.
Status softmax_gradient(const Execution& execution, const Softmax& shape, const float* y, const float* dy,
                        float* dx) noexcept;

// losses[i] = log(sum_j exp(x[i][j])) - x[i][labels[i]], in nats; NaN where the label is none of [0, columns).
Status cross_entropy(const Execution& execution, std::size_t rows, std::size_t columns, const float* x,
                     const std::int32_t* labels, float* losses) noexcept;

// dx[i] = scale[i] (softmax(x[i]) - e_label), NaN where the label is none. dx may be x.
Status cross_entropy_gradient(const Execution& execution, std::size_t rows, std::size_t columns, const float* x,
                              const std::int32_t* labels, const float* scale, float* dx) noexcept;

}  // namespace gradsift
