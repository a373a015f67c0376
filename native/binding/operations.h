#pragma once
// Every operation of the addon, one line each. Sorted by name.

#include "native/binding/operation.h"

namespace gradsift::binding {

std::unique_ptr<Operation> prepare_cholesky_solve(const Arguments& arguments);
std::unique_ptr<Operation> prepare_matmul(const Arguments& arguments);

inline constexpr Export kOperations[] = {
    {"choleskySolve", prepare_cholesky_solve},
    {"matmul", prepare_matmul},
};

}  // namespace gradsift::binding
