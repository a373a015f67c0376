#include "native/linalg/adam_step.h"

#include "native/linalg/elementwise.h"

namespace gradsift {

namespace {

constexpr std::size_t kStreams = 7;  // four arrays read and three written

}  // namespace

Status adam_step(const Execution& execution, const Adam& step) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  return for_each_part(execution.for_pass(step.count * kStreams), step.count, [&](std::size_t first, std::size_t part) {
    Adam own = step;
    own.count = part;
    own.g += first;
    own.m += first;
    own.v += first;
    own.p += first;
    kernel.adam(own);
  });
}

}  // namespace gradsift
