#pragma once
// Cholesky for batches of small matrices, one block each; the contract is Solve in plugin.h.

#include "native/cuda/session.h"

namespace gradsift::cuda {

// Largest order whose factor fits the shared memory of a block.
std::size_t cholesky_small_order(const Session& session, bool single) noexcept;

Status cholesky_solve_small(Session* session, const Solve* problem) noexcept;

}  // namespace gradsift::cuda
