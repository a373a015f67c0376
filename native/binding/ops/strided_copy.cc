#include "native/binding/operations.h"
#include "native/linalg/strided_copy.h"

namespace gradsift::binding {

// 0 x, 1 out, 2 run, then for each of four dimensions: its size, stride in x, stride in out
std::unique_ptr<Operation> prepare_strided_copy(const Arguments& arguments) {
  StridedCopy copy;
  copy.run = arguments.size(2);
  std::size_t runs = 1, last_x = 0, last_out = 0;  // where the last run begins
  for (std::size_t dimension = 0; dimension < kCopyDimensions; ++dimension) {
    const std::size_t at = 3 + 3 * dimension;
    copy.sizes[dimension] = arguments.size(at);
    copy.x_strides[dimension] = arguments.size(at + 1);
    copy.out_strides[dimension] = arguments.size(at + 2);
    runs = arguments.product({runs, copy.sizes[dimension]});
    if (runs == 0) break;
    const auto reach = [&](std::size_t before, std::size_t stride) {
      return arguments.span(1, 0, 2, before, arguments.span(1, 0, copy.sizes[dimension], stride, 1)) - 1;
    };
    last_x = reach(last_x, copy.x_strides[dimension]);
    last_out = reach(last_out, copy.out_strides[dimension]);
  }
  if (runs == 0) copy.sizes.fill(0);
  const auto needed = [&](std::size_t last) { return runs == 0 ? 0 : arguments.span(1, 0, 2, last, copy.run); };
  copy.x = arguments.array<float>(0, needed(last_x)).data;
  copy.out = arguments.array<float>(1, needed(last_out)).data;
  return operation([copy](const Execution& execution) noexcept { return strided_copy(execution, copy); });
}

}  // namespace gradsift::binding
