#pragma once
// Plain C++, complete, in the most obvious form: what every other instruction set is tested against.

#include "native/kernels/table.h"

namespace gradsift::portable {

extern const TileKernel<float> kTileF32;
extern const TileKernel<double> kTileF64;
extern const TileKernel<float> kTileBf16;
extern const LaneKernel<float> kLanesF32;
extern const LaneKernel<double> kLanesF64;
extern const TrainingKernels kTrainingF32;
void small_product_f32(const SmallProduct<float>& product) noexcept;
void small_product_f64(const SmallProduct<double>& product) noexcept;
void pack_f32(const Pack<float, float>& pack) noexcept;
void pack_f64(const Pack<double, double>& pack) noexcept;
void pack_f32_f64(const Pack<float, double>& pack) noexcept;
void pack_f64_f32(const Pack<double, float>& pack) noexcept;
void pack_bf16(const PackPairs& pack) noexcept;
void merge_f32(const Merge& merge) noexcept;
void dots_f32(const Dots<float>& dots) noexcept;
void dots_f64(const Dots<double>& dots) noexcept;
void dots_bf16(const Dots<Bfloat16>& dots) noexcept;
void dots_f16(const Dots<Float16>& dots) noexcept;
void weighted_rows_f32(const WeightedRows<float>& sum) noexcept;
void weighted_rows_f64(const WeightedRows<double>& sum) noexcept;
void weighted_rows_bf16(const WeightedRows<Bfloat16>& sum) noexcept;
void weighted_rows_f16(const WeightedRows<Float16>& sum) noexcept;
void gathered_rows(const GatheredRows& sum) noexcept;
void lower_rows_f64(const LowerRows& rows) noexcept;
std::size_t cholesky_block_f32(const CholeskyBlock<float>& block) noexcept;
std::size_t cholesky_block_f64(const CholeskyBlock<double>& block) noexcept;
double sum_squares_f32(const float* x, std::size_t count) noexcept;
double sum_squares_f64(const double* x, std::size_t count) noexcept;
float sum_f32(const float* x, std::size_t count) noexcept;
void widen_bf16(const std::uint16_t* bits, std::size_t count, float* out) noexcept;
void widen_f16(const std::uint16_t* bits, std::size_t count, float* out) noexcept;
void best_of(const BestOf& of, BestScore& best) noexcept;
void ordered_dots(const OrderedDots& dots) noexcept;
Narrowed narrow_bf16(const float* x, std::size_t count, float* pairs) noexcept;
float highest_floor(const ScoreBounds& bounds, float floor) noexcept;
std::size_t within_reach(const ScoreBounds& bounds, float floor, std::uint32_t* found) noexcept;
double fma_peak_f32(std::size_t iterations, float* sink) noexcept;
double fma_peak_f64(std::size_t iterations, double* sink) noexcept;

}  // namespace gradsift::portable
