#include "native/binding/operations.h"
#include "native/linalg/axis_sum.h"

namespace gradsift::binding {

// 0 x, 1 out, 2 outer, 3 length, 4 inner, 5 scale
std::unique_ptr<Operation> prepare_axis_sum(const Arguments& arguments) {
  const std::size_t outer = arguments.size(2), length = arguments.size(3), inner = arguments.size(4);
  const double scale = arguments.number(5);
  const float* x = arguments.array<float>(0, arguments.product({outer, length, inner})).data;
  float* out = arguments.array<float>(1, arguments.product({outer, inner})).data;
  return operation(
      [=](const Execution& execution) noexcept { return axis_sum(execution, x, outer, length, inner, scale, out); });
}

}  // namespace gradsift::binding
