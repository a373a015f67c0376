#pragma once
// The generalised Fisher information matrix of a layer, accumulated by blocks of per-sample gradients.

#include <cstddef>
#include <cstdint>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// Row blocks must start at a multiple of this many samples, so that the order of summation, and with it every bit of
// the result, does not depend on the memory budget. A constant for a given shape and side, and a power of two.
std::size_t gfim_tile_samples(std::size_t r, std::size_t d, bool transpose_samples) noexcept;

enum class GramPrecision {
  f64,   // products and sums in float64
  f32,   // float32 tiles of at most 512 rows, merged in float64
  bf16,  // the same from bfloat16 rows, whose products are exact in float32, by dot products of pairs
};

enum class HalfType { bf16, f16 };

// G += scale * sum_i g_i' g_i over the samples of one block.
// rows: [samples][r][d], contiguous: float, double, or bfloat16 or half as their stored bits. G: d x d doubles, read
// and written in full (exactly symmetric). The side 'rows' (G is r x r, sum of g_i g_i') is had by `transpose_samples`:
// each g_i is read as its transpose.
template <class T>
struct GfimBlock {
  const T* rows = nullptr;
  std::size_t samples = 0, r = 0, d = 0;
  bool transpose_samples = false;
  GramPrecision precision = GramPrecision::f64;
  double scale = 1;
  double* out = nullptr;
  HalfType half = HalfType::bf16;  // what 16-bit rows are
};

Status accumulate_gfim(const Execution& execution, const GfimBlock<float>& block) noexcept;
Status accumulate_gfim(const Execution& execution, const GfimBlock<double>& block) noexcept;
Status accumulate_gfim(const Execution& execution, const GfimBlock<std::uint16_t>& block) noexcept;

}  // namespace gradsift
