#pragma once
// A step of Adam over all parameters of an array, in one pass.

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/kernels/table.h"

namespace gradsift {

// The equations and their constants are those of the kernel (native/kernels/training.h); the arrays are apart.
Status adam_step(const Execution& execution, const Adam& step) noexcept;

}  // namespace gradsift
