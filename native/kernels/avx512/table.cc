#include "native/kernels/table.h"

#ifdef GRADSIFT_X86
#include <immintrin.h>

#include <atomic>
#include <cmath>

#include "native/kernels/avx512/begin.h"  // the region: only our own headers below this line

#include "native/kernels/avx512/simd.h"

#include "native/kernels/generic/cholesky_block.h"
#include "native/kernels/generic/fma_peak.h"
#include "native/kernels/generic/gathered_rows.h"
#include "native/kernels/generic/lane_solve.h"
#include "native/kernels/generic/lower_rows.h"
#include "native/kernels/generic/merge.h"
#include "native/kernels/generic/nearest.h"
#include "native/kernels/generic/pack.h"
#include "native/kernels/generic/pack_bf16.h"
#include "native/kernels/generic/read_peak.h"
#include "native/kernels/generic/rows.h"
#include "native/kernels/generic/small_product.h"
#include "native/kernels/generic/tile.h"
#include "native/kernels/generic/training.h"
#include "native/kernels/generic/widen.h"

#include "native/kernels/avx512/end.h"

namespace gradsift {

namespace {

using avx512::Bf16;
using avx512::F32;
using avx512::F32Half;
using avx512::F64;
using avx512::F64Half;

// 8 rows x 3 registers = 24 accumulators + 3 of B + 1 of A = 28 of 32 zmm registers: 24 multiply-adds for 11 loads.
// (14 x 2 computes as fast, but 14 does not divide its columns, and its triangles are coarser.)
constexpr std::size_t kTileRows = 8;
constexpr std::size_t kTileVectors = 3;
// Pairs of bfloat16: 8 rows x 2 registers = 16 sums + 2 x 2 halves of B + 2 of A = 22 of 32.
constexpr std::size_t kPairVectors = 2;
// Small products: 16 x 1 to 6 x 4 = 24 accumulators + 4 of B + 1 of A = 29 of 32.
constexpr std::size_t kSmallRegisters = 24;
constexpr std::size_t kSmallVectors = 4;
// 6 rows x 4 queries = 24 accumulators + 4 of H + 1 of X = 29 of 32.
constexpr std::size_t kDotTileRows = 6;
// Systems side by side: 4 x 4 sums + 4 + 1 = 21 of 32 registers.
constexpr std::size_t kLaneBlock = 4;
// 2 queries x 8 = 16 accumulators + 2 weights + 1 of X = 19 of 32.
constexpr std::size_t kSumVectors = 8;
// 12 sums: 192 columns at once; more would not be asked for soon enough.
constexpr std::size_t kGatherVectors = 12;
// 8 sums + 8 weights + x + y + 1 of A = 19 of 32.
constexpr std::size_t kLowerRows = 8;

// What every server core with AVX-512 since 2017 has.
bool supported() noexcept {
  return kAvx2.supported() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

}  // namespace

constinit const KernelTable kAvx512 = {
    .name = "avx512",
    .below = &kAvx2,
    .supported = supported,
    .tile_f32 = &generic::kTile<F32, kTileRows, kTileVectors>,
    .tile_f64 = &generic::kTile<F64, kTileRows, kTileVectors>,
    .tile_bf16 = &generic::kTile<Bf16, kTileRows, kPairVectors>,
    .lanes_f32 = &generic::kLaneKernel<F32, F64, kLaneBlock>,
    .lanes_f64 = &generic::kLaneKernel<F64, F64, kLaneBlock>,
    .training_f32 = &generic::kTraining<F32>,
    .small_product_f32 = generic::small_product<F32, F32Half, kSmallRegisters, kSmallVectors>,
    .small_product_f64 = generic::small_product<F64, F64Half, kSmallRegisters, kSmallVectors>,
    .pack_f32 = generic::pack<F32, float>,
    .pack_f64 = generic::pack<F64, double>,
    .pack_f32_f64 = generic::pack<F64, float>,
    .pack_bf16 = generic::pack_bf16<Bf16>,
    .merge_f32 = generic::merge<F64>,
    .dots_f32 = generic::dots<F64, kDotTileRows, float>,
    .dots_f64 = generic::dots<F64, kDotTileRows, double>,
    .dots_bf16 = generic::dots<F64, kDotTileRows, Bfloat16>,
    .dots_f16 = generic::dots<F64, kDotTileRows, Float16>,
    .weighted_rows_f32 = generic::weighted_rows<F64, kSumVectors, float>,
    .weighted_rows_f64 = generic::weighted_rows<F64, kSumVectors, double>,
    .weighted_rows_bf16 = generic::weighted_rows<F64, kSumVectors, Bfloat16>,
    .weighted_rows_f16 = generic::weighted_rows<F64, kSumVectors, Float16>,
    .gathered_rows = generic::gathered_rows<F32, kGatherVectors>,
    .lower_rows_f64 = generic::lower_rows<F64, kLowerRows>,
    .cholesky_block_f32 = generic::cholesky_block<F32>,
    .cholesky_block_f64 = generic::cholesky_block<F64>,
    .sum_squares_f32 = generic::sum_squares<F64, float>,
    .sum_squares_f64 = generic::sum_squares<F64, double>,
    .sum_f32 = generic::sum<F32>,
    .widen_bf16 = generic::widen<F32, F32::widen_bf16>,
    .widen_f16 = generic::widen<F32, F32::widen_f16>,
    .best_of = generic::best_of<F32>,
    .ordered_dots = generic::ordered_dots<F32>,
    .narrow_bf16 = generic::narrow_bf16<F32>,
    .highest_floor = generic::highest_floor<F32>,
    .within_reach = generic::within_reach<F32>,
    .fma_peak_f32 = generic::fma_peak<F32>,
    .fma_peak_f64 = generic::fma_peak<F64>,
};

}  // namespace gradsift
#endif
