#pragma once
// What domain reweighting asks of gradients, from one read of them: products with the mean of a target's rows, norms.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/stored_rows.h"

namespace gradsift {

// h = sum_j weights[j] T_j; products[i] += <X_i, h>; squares[i] += ||X_i||^2; *target_square += ||h||^2, over `length`
// columns. X: rows, T: target; without rows in it, squares alone. h exists for a run of kDotColumns columns at a time.
// Runs are added in order: calls over parts of the columns that start at multiples of kDotColumns give the bits of one
// call.
struct RowAlignments {
  StoredRows rows, target;
  std::size_t length = 0;
  const double* weights = nullptr;
  double* products = nullptr;
  double* squares = nullptr;
  double* target_square = nullptr;
};

Status add_row_alignments(const Execution& execution, const RowAlignments& problem) noexcept;

}  // namespace gradsift
