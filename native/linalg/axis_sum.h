#pragma once
// Sums over the middle one of three dimensions.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// out[i][j] = scale * sum_p x[i][p][j], x: [outer][length][inner], summed in float64 in an order of the sizes alone.
Status axis_sum(const Execution& execution, const float* x, std::size_t outer, std::size_t length, std::size_t inner,
                double scale, float* out) noexcept;

}  // namespace gradsift
