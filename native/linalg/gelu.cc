#include "native/linalg/gelu.h"

#include "native/kernels/table.h"
#include "native/linalg/elementwise.h"

namespace gradsift {

namespace {

// An exponential, a quotient and a polynomial cost about as much as moving eight values.
constexpr std::size_t kGeluWork = 8;

}  // namespace

Status gelu(const Execution& execution, std::size_t count, const float* x, float* y) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  return for_each_part(execution.for_pass(count * kGeluWork), count,
                       [&](std::size_t first, std::size_t part) { kernel.gelu(x + first, part, y + first); });
}

Status gelu_gradient(const Execution& execution, std::size_t count, const float* x, const float* dy,
                     float* dx) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  return for_each_part(execution.for_pass(count * kGeluWork), count, [&](std::size_t first, std::size_t part) {
    kernel.gelu_gradient(x + first, dy + first, part, dx + first);
  });
}

}  // namespace gradsift
