#pragma once
// Batches of small matrices, each inverted or solved by one block from shared memory; contracts in plugin.h.

#include "native/cuda/session.h"

namespace gradsift::cuda {

// Largest order that fits the shared memory of a block: 128 where it has 163 KiB, 96 where it has 99.
std::size_t small_order(Session* session) noexcept;

Status hyperpower_solve_small(Session* session, const Solve* problem) noexcept;
Status hyperpower_inverse_small(Session* session, const Inverse* problem) noexcept;  // float32 only

}  // namespace gradsift::cuda
