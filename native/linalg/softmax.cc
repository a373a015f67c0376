#include "native/linalg/softmax.h"

#include <algorithm>
#include <limits>

#include "native/kernels/table.h"
#include "native/linalg/elementwise.h"

namespace gradsift {

namespace {

// An exponential costs about as much as moving eight values.
constexpr std::size_t kExponentialWork = 8;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

std::size_t seen(const Softmax& shape, std::size_t row) noexcept {
  return shape.causal ? row % shape.columns + 1 : shape.columns;
}

}  // namespace

Status softmax(const Execution& execution, const Softmax& shape, const float* x, float* y) noexcept {
  const std::size_t columns = shape.columns;
  if (columns == 0) return Status::ok;
  const TrainingKernels& kernel = *kernels().training_f32;
  const Execution own = execution.for_pass(shape.rows * columns * kExponentialWork);
  return for_each_row(own, shape.rows, columns, [&](std::size_t i) {
    kernel.softmax({seen(shape, i), columns, shape.scale, x + i * columns, y + i * columns});
  });
}

Status softmax_gradient(const Execution& execution, const Softmax& shape, const float* y, const float* dy,
                        float* dx) noexcept {
  const std::size_t columns = shape.columns;
  if (columns == 0) return Status::ok;
  const TrainingKernels& kernel = *kernels().training_f32;
  return for_each_row(execution.for_pass(shape.rows * columns), shape.rows, columns, [&](std::size_t i) {
    const std::size_t at = i * columns;
    kernel.softmax_gradient({seen(shape, i), columns, shape.scale, y + at, dy + at, dx + at});
  });
}

Status cross_entropy(const Execution& execution, std::size_t rows, std::size_t columns, const float* x,
                     const std::int32_t* labels, float* losses) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  const Execution own = execution.for_pass(rows * columns * kExponentialWork);
  return for_each_row(own, rows, columns, [&](std::size_t i) {
    const std::size_t label = static_cast<std::size_t>(labels[i]);  // a negative one becomes huge
    losses[i] = label < columns ? kernel.cross_entropy({columns, label, x + i * columns, 0, nullptr}) : kNone;
  });
}

Status cross_entropy_gradient(const Execution& execution, std::size_t rows, std::size_t columns, const float* x,
                              const std::int32_t* labels, const float* scale, float* dx) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  const Execution own = execution.for_pass(rows * columns * kExponentialWork);
  return for_each_row(own, rows, columns, [&](std::size_t i) {
    const std::size_t label = static_cast<std::size_t>(labels[i]);
    if (label < columns) {
      kernel.cross_entropy({columns, label, x + i * columns, scale[i], dx + i * columns});
    } else {
      std::fill_n(dx + i * columns, columns, kNone);
    }
  });
}

}  // namespace gradsift
