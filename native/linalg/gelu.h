#pragma once
// The Gaussian error linear unit y = x P(x), P the normal distribution's, and its gradient. All float32.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// y may be x.
Status gelu(const Execution& execution, std::size_t count, const float* x, float* y) noexcept;

// dx = dy (P(x) + x P'(x)). dx may be x or dy.
Status gelu_gradient(const Execution& execution, std::size_t count, const float* x, const float* dy,
                     float* dx) noexcept;

}  // namespace gradsift
