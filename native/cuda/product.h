#pragma once
// C = alpha A B' + beta C + gamma I on device memory; the contract is Product in plugin.h.

#include "native/cuda/session.h"

namespace gradsift::cuda {

Status product(Session* session, const Product* problem) noexcept;

// By what is multiplied; each in a file of its own, so that they compile side by side.
Status product_tf32(Session& session, const Product& problem) noexcept;
Status product_half(Session& session, const Product& problem) noexcept;
Status product_f64(Session& session, const Product& problem) noexcept;

// Whether tiles of a lower product alone keep the device busy; gram() then has no need of partial sums.
unsigned product_tiles(const Product& problem) noexcept;

}  // namespace gradsift::cuda
