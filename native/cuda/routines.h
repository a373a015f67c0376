#pragma once
// Host memory in and out: what the addon calls; contracts in plugin.h.

#include "native/cuda/session.h"

namespace gradsift::cuda {

Status run_product(Session* session, const Product* problem, const Watch* watch) noexcept;
Status run_gram(Session* session, const Gram* problem, const Watch* watch) noexcept;
Status run_row_dots(Session* session, const RowDots* problem, const Watch* watch) noexcept;
Status run_assign(Session* session, const Assign* problem, const Watch* watch) noexcept;
Status run_hyperpower_solve(Session* session, const Solve* problem, const Watch* watch) noexcept;
Status run_hyperpower_inverse(Session* session, const Inverse* problem, const Watch* watch) noexcept;
Status run_cholesky_solve(Session* session, const Solve* problem, const Watch* watch) noexcept;

}  // namespace gradsift::cuda
