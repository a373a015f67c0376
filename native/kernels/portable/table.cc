#include "native/kernels/portable/table.h"

namespace gradsift {

namespace {

bool always() noexcept { return true; }

}  // namespace

constinit const KernelTable kPortable = {
    .name = "portable",
    .below = nullptr,
    .supported = always,
    .tile_f32 = &portable::kTileF32,
    .tile_f64 = &portable::kTileF64,
    .tile_bf16 = &portable::kTileBf16,
    .lanes_f32 = &portable::kLanesF32,
    .lanes_f64 = &portable::kLanesF64,
    .training_f32 = &portable::kTrainingF32,
    .small_product_f32 = portable::small_product_f32,
    .small_product_f64 = portable::small_product_f64,
    .pack_f32 = portable::pack_f32,
    .pack_f64 = portable::pack_f64,
    .pack_f32_f64 = portable::pack_f32_f64,
    .pack_f64_f32 = portable::pack_f64_f32,
    .pack_bf16 = portable::pack_bf16,
    .merge_f32 = portable::merge_f32,
    .dots_f32 = portable::dots_f32,
    .dots_f64 = portable::dots_f64,
    .dots_bf16 = portable::dots_bf16,
    .dots_f16 = portable::dots_f16,
    .weighted_rows_f32 = portable::weighted_rows_f32,
    .weighted_rows_f64 = portable::weighted_rows_f64,
    .weighted_rows_bf16 = portable::weighted_rows_bf16,
    .weighted_rows_f16 = portable::weighted_rows_f16,
    .gathered_rows = portable::gathered_rows,
    .lower_rows_f64 = portable::lower_rows_f64,
    .cholesky_block_f32 = portable::cholesky_block_f32,
    .cholesky_block_f64 = portable::cholesky_block_f64,
    .sum_squares_f32 = portable::sum_squares_f32,
    .sum_squares_f64 = portable::sum_squares_f64,
    .sum_f32 = portable::sum_f32,
    .widen_bf16 = portable::widen_bf16,
    .widen_f16 = portable::widen_f16,
    .best_of = portable::best_of,
    .ordered_dots = portable::ordered_dots,
    .narrow_bf16 = portable::narrow_bf16,
    .highest_floor = portable::highest_floor,
    .within_reach = portable::within_reach,
    .fma_peak_f32 = portable::fma_peak_f32,
    .fma_peak_f64 = portable::fma_peak_f64,
};

}  // namespace gradsift
