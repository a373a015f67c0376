#pragma once
// Rows added up by group: the gradient of an embedding.

#include <cstddef>
#include <cstdint>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// out[s] = sum of the x[i] with ids[i] == s, in order of i; rows of other ids are dropped. x: [rows][columns]; out:
// [segments][columns]; float32.
Status segment_sum(const Execution& execution, std::size_t rows, std::size_t columns, std::size_t segments,
                   const float* x, const std::int32_t* ids, float* out) noexcept;

}  // namespace gradsift
