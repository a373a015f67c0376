#pragma once
// Inner products of rows with queries, in one pass over the rows; the contract is RowDots in plugin.h.

#include "native/cuda/session.h"

namespace gradsift::cuda {

Status row_dots(Session* session, const RowDots* problem) noexcept;

}  // namespace gradsift::cuda
