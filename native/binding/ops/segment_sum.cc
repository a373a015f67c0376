#include "native/binding/operations.h"
#include "native/linalg/segment_sum.h"

namespace gradsift::binding {

// 0 x, 1 ids, 2 out, 3 rows, 4 columns, 5 segments
std::unique_ptr<Operation> prepare_segment_sum(const Arguments& arguments) {
  const std::size_t rows = arguments.size(3), columns = arguments.size(4), segments = arguments.size(5);
  const float* x = arguments.array<float>(0, arguments.product({rows, columns})).data;
  const std::int32_t* ids = arguments.array<std::int32_t>(1, rows).data;
  float* out = arguments.array<float>(2, arguments.product({segments, columns})).data;
  return operation([=](const Execution& execution) noexcept {
    return segment_sum(execution, rows, columns, segments, x, ids, out);
  });
}

}  // namespace gradsift::binding
