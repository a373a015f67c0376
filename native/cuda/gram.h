#pragma once
// G += scale * sum of outer products of gradient rows, on device memory; the contract is Gram in plugin.h.

#include "native/cuda/session.h"

namespace gradsift::cuda {

Status gram(Session* session, const Gram* problem) noexcept;

// Samples whose terms are summed in one piece before they are merged in float64: a constant of the shape. Blocks of
// samples that start at multiples of it give the bits of one call.
std::size_t gram_chunk_samples(const Gram& problem) noexcept;

}  // namespace gradsift::cuda
