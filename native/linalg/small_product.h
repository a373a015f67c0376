#pragma once
// Products whose B stays in the second-level cache, and batches of small ones: nothing packed but a transposed B.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/gemm.h"

namespace gradsift {

// Whether a product is small enough for small_product(): told by its sizes, its strides and the caches of the machine.
// It gives the bits of the packed product.
template <class T>
bool is_small(const Gemm<T>& gemm) noexcept;

// As gemm(), for products that are small. A may have any strides; B lies in rows, or transposed in rows (then each item
// is turned into rows first). Sums run over the whole depth in order, as in one depth block of the packed product.
template <class T>
Status small_product(const Execution& execution, const Gemm<T>& gemm) noexcept;

}  // namespace gradsift
