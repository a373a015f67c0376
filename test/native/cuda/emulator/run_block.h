#pragma once
// Between the emulated device and its blocks.

#include "cuda_runtime.h"

namespace emulator {

// Runs all threads of the block at blockIdx to their end. order: 0, 1 or 2, see thread_at().
void run_block(const void* kernel, Call call, const void* argument, std::size_t shared_bytes, unsigned order);
[[noreturn]] void fault(const char* what);  // a mistake that a GPU would answer with a hang or wrong numbers

}  // namespace emulator
