#pragma once
// The inverse-free hyperpower solve of matrices that do not fit shared memory: the factors R_0 ... R_{K-1} by
// triangular products, applied in reverse order to the float64 remainder until the residual is small. Contract: Solve
// in plugin.h, device memory in and out; waits, since how many passes are needed shows on the way.

#include "native/cuda/session.h"

namespace gradsift::cuda {

Status hyperpower_solve_large(Session* session, const Solve* problem) noexcept;

// Device memory that one matrix of the batch takes, its factors included.
std::size_t hyperpower_solve_bytes(const Solve& problem) noexcept;

}  // namespace gradsift::cuda
