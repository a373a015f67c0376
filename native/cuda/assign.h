#pragma once
// The nearest of a set of centroids for every row; the contract is Assign in plugin.h.

#include "native/cuda/session.h"

namespace gradsift::cuda {

Status assign(Session* session, const Assign* problem) noexcept;

}  // namespace gradsift::cuda
