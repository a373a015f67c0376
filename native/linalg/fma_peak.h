#pragma once
// The yardstick of the benchmarks: what the multiply-add units alone can do.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// Runs `iterations` of independent multiply-adds on each of execution.threads threads at once, from registers;
// *flops = what they did together (a multiply-add is two). Divide by the time taken.
Status fma_peak_f32(const Execution& execution, std::size_t iterations, double* flops) noexcept;
Status fma_peak_f64(const Execution& execution, std::size_t iterations, double* flops) noexcept;

}  // namespace gradsift
