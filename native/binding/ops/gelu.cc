#include "native/binding/operations.h"
#include "native/linalg/gelu.h"

namespace gradsift::binding {

// 0 x, 1 y, 2 count
std::unique_ptr<Operation> prepare_gelu(const Arguments& arguments) {
  const std::size_t count = arguments.size(2);
  const float* x = arguments.array<float>(0, count).data;
  float* y = arguments.array<float>(1, count).data;
  return operation([=](const Execution& execution) noexcept { return gelu(execution, count, x, y); });
}

// 0 x, 1 dy, 2 dx, 3 count
std::unique_ptr<Operation> prepare_gelu_gradient(const Arguments& arguments) {
  const std::size_t count = arguments.size(3);
  const float* x = arguments.array<float>(0, count).data;
  const float* dy = arguments.array<float>(1, count).data;
  float* dx = arguments.array<float>(2, count).data;
  return operation([=](const Execution& execution) noexcept { return gelu_gradient(execution, count, x, dy, dx); });
}

}  // namespace gradsift::binding
