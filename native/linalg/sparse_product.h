#pragma once
// A sparse matrix times a dense one: what decompositions of large sparse matrices are made of.

#include <cstddef>
#include <cstdint>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// Row i holds the entries starts[i] .. starts[i + 1]; a column that is not below `columns` is none.
struct SparseRows {
  std::size_t rows, columns;
  const std::uint32_t* starts;
  const std::uint32_t* indices;
  const float* values;
};

// C = A B; b: [columns][width], c: [rows][width]. Each element is summed in order of the entries of its row.
Status sparse_product(const Execution& execution, const SparseRows& a, const float* b, std::size_t width,
                      float* c) noexcept;

}  // namespace gradsift
