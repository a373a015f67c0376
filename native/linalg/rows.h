#pragma once
// Single passes over stored gradient rows (of any stored type), always summed in float64. These are what scoring,
// means, DataInf, LiSSA and conjugate gradients on the stored rows are made of.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/kernels/table.h"

namespace gradsift {

// As the kernel of the same name (native/kernels/table.h), for any number of rows, on several threads; norms are set,
// not added to. The bits do not depend on the rows in one call; nor do those of the products on the columns, if parts
// of them start at multiples of kDotColumns.
template <class T>
Status row_dots(const Execution& execution, const Dots<T>& dots) noexcept;

// As the kernel of the same name. Summed over rows in tiles of kRowTile, in order; blocks must start at a multiple of
// kRowTile rows for the bits not to depend on the memory budget.
inline constexpr std::size_t kRowTile = 64;
template <class T>
Status add_weighted_rows(const Execution& execution, const WeightedRows<T>& sum) noexcept;

// out[i] = ||X_i||^2 for X [count][length]. NaN or infinity when, and only when, row i holds one (or its square
// overflows float64).
template <class T>
Status row_norms(const Execution& execution, const T* x, std::size_t count, std::size_t length, double* out) noexcept;

// bfloat16 and IEEE half, as stored bits, widened exactly to float32.
Status widen_bf16(const Execution& execution, const unsigned short* bits, std::size_t count, float* out) noexcept;
Status widen_f16(const Execution& execution, const unsigned short* bits, std::size_t count, float* out) noexcept;

// Instantiated in rows.cc.
extern template Status row_dots(const Execution&, const Dots<float>&) noexcept;
extern template Status row_dots(const Execution&, const Dots<double>&) noexcept;
extern template Status row_dots(const Execution&, const Dots<Bfloat16>&) noexcept;
extern template Status row_dots(const Execution&, const Dots<Float16>&) noexcept;
extern template Status add_weighted_rows(const Execution&, const WeightedRows<float>&) noexcept;
extern template Status add_weighted_rows(const Execution&, const WeightedRows<double>&) noexcept;
extern template Status add_weighted_rows(const Execution&, const WeightedRows<Bfloat16>&) noexcept;
extern template Status add_weighted_rows(const Execution&, const WeightedRows<Float16>&) noexcept;
extern template Status row_norms(const Execution&, const float*, std::size_t, std::size_t, double*) noexcept;
extern template Status row_norms(const Execution&, const double*, std::size_t, std::size_t, double*) noexcept;

}  // namespace gradsift
