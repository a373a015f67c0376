#pragma once
// The Gram matrix of stored rows, in float64.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

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

}  // namespace gradsift
