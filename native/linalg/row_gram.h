#pragma once
// The Gram matrix of stored rows, in float64.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/stored_rows.h"

namespace gradsift {

// K = X X' for a block of rows against itself: X [count][length]; K: count x count doubles, overwritten.
template <class T>
struct RowGram {
  const T* rows = nullptr;
  std::size_t count = 0, length = 0;
  double* out = nullptr;
};

Status row_gram(const Execution& execution, const RowGram<float>& problem) noexcept;
Status row_gram(const Execution& execution, const RowGram<double>& problem) noexcept;

// K += X X' over `length` columns of rows of any stored type, exactly symmetric. Columns are summed in runs of
// kDotColumns, in order: calls over parts that start at multiples of kDotColumns give the bits of one call.
struct AddedGram {
  StoredRows rows;
  std::size_t length = 0;
  double* out = nullptr;
};

Status add_row_gram(const Execution& execution, const AddedGram& problem) noexcept;

}  // namespace gradsift
