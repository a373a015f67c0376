#pragma once
// Single passes over stored gradient rows (float or double), always summed in float64. These are what scoring, means,
// DataInf, LiSSA and conjugate gradients on the stored rows are made of.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// X: [count][length] of float or double, contiguous. H: [queries][length] doubles.

// out[q * out_stride + i] = alpha <H_q, X_i> + beta out[...]; beta == 0 never reads out.
// norms[i] = ||X_i||^2 from the same read, unless null.
template <class T>
Status row_dots(const Execution& execution, const T* x, std::size_t count, std::size_t length, const double* h,
                std::size_t queries, double alpha, double beta, double* out, std::size_t out_stride,
                double* norms = nullptr) noexcept;

// out[q][j] += sum_i w[q * w_stride + i] X[i][j], out: [queries][length]. Summed over i in tiles of kRowTile, in order;
// blocks must start at a multiple of kRowTile rows for the bits not to depend on the memory budget.
inline constexpr std::size_t kRowTile = 64;
template <class T>
Status add_weighted_rows(const Execution& execution, const T* x, std::size_t count, std::size_t length,
                         const double* weights, std::size_t queries, std::size_t w_stride, double* out) noexcept;

// out[i] = ||X_i||^2. NaN or infinity when, and only when, row i holds one (or its square overflows float64).
template <class T>
Status row_norms(const Execution& execution, const T* x, std::size_t count, std::size_t length, double* out) noexcept;

// bfloat16 and IEEE half, as stored bits, widened exactly to float32.
Status widen_bf16(const Execution& execution, const unsigned short* bits, std::size_t count, float* out) noexcept;
Status widen_f16(const Execution& execution, const unsigned short* bits, std::size_t count, float* out) noexcept;

// Instantiated in rows.cc for float and double.
extern template Status row_dots(const Execution&, const float*, std::size_t, std::size_t, const double*, std::size_t,
                                double, double, double*, std::size_t, double*) noexcept;
extern template Status row_dots(const Execution&, const double*, std::size_t, std::size_t, const double*, std::size_t,
                                double, double, double*, std::size_t, double*) noexcept;
extern template Status add_weighted_rows(const Execution&, const float*, std::size_t, std::size_t, const double*,
                                         std::size_t, std::size_t, double*) noexcept;
extern template Status add_weighted_rows(const Execution&, const double*, std::size_t, std::size_t, const double*,
                                         std::size_t, std::size_t, double*) noexcept;
extern template Status row_norms(const Execution&, const float*, std::size_t, std::size_t, double*) noexcept;
extern template Status row_norms(const Execution&, const double*, std::size_t, std::size_t, double*) noexcept;

}  // namespace gradsift
