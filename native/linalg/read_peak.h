#pragma once
// The yardstick of the benchmarks for passes over rows: what the memory alone can do.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// *sum = the sum of the values, read once, front to back: the least that one can do with them. Divide their bytes by
// the time taken.
Status read_peak(const Execution& execution, const float* x, std::size_t count, double* sum) noexcept;

}  // namespace gradsift
