#include "native/binding/operations.h"
#include "native/linalg/fma_peak.h"

namespace gradsift::binding {

// 0 flops (one number), 1 iterations, 2 f64 (else f32)
std::unique_ptr<Operation> prepare_fma_peak(const Arguments& arguments) {
  double* flops = arguments.array<double>(0, 1).data;
  const std::size_t iterations = arguments.size(1);
  const auto peak = arguments.flag(2) ? fma_peak_f64 : fma_peak_f32;
  return operation([=](const Execution& execution) noexcept { return peak(execution, iterations, flops); });
}

}  // namespace gradsift::binding
