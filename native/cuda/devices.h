#pragma once
// What GPUs there are, and why one cannot be used.

#include "native/cuda/plugin.h"

namespace gradsift::cuda {

std::int32_t score() noexcept;
const char* reason() noexcept;
std::int32_t devices(Device* out, std::int32_t capacity) noexcept;

}  // namespace gradsift::cuda
