#include "native/binding/operations.h"
#include "native/linalg/read_peak.h"

namespace gradsift::binding {

// 0 values, 1 sum (one number), 2 count
std::unique_ptr<Operation> prepare_read_peak(const Arguments& arguments) {
  const std::size_t count = arguments.size(2);
  const float* x = arguments.array<float>(0, count).data;
  double* sum = arguments.array<double>(1, 1).data;
  return operation([=](const Execution& execution) noexcept { return read_peak(execution, x, count, sum); });
}

}  // namespace gradsift::binding
