#include "native/binding/operations.h"
#include "native/linalg/add_rows_by_label.h"

namespace gradsift::binding {

// 0 rows, 1 labels, 2 sums, 3 count, 4 length, 5 segments
std::unique_ptr<Operation> prepare_add_rows_by_label(const Arguments& args) {
  const std::size_t count = args.size(3), length = args.size(4), segments = args.size(5);
  const float* x = args.array<float>(0, args.product({count, length})).data;
  const std::uint32_t* labels = args.array<std::uint32_t>(1, count).data;
  double* sums = args.array<double>(2, args.product({segments, length})).data;
  return operation([=](const Execution& execution) noexcept {
    return add_rows_by_label(execution, count, length, segments, x, labels, sums);
  });
}

}  // namespace gradsift::binding
