#pragma once
// Sums of rows by label: the new means of k-means.

#include <cstddef>
#include <cstdint>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// sums[labels[i]][j] += X[i][j], in order of rows, in float64. x: [count][length], sums: [segments][length]. A label
// that is not below `segments` belongs to no sum.
Status add_rows_by_label(const Execution& execution, std::size_t count, std::size_t length, std::size_t segments,
                         const float* x, const std::uint32_t* labels, double* sums) noexcept;

}  // namespace gradsift
