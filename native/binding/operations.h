#pragma once
// Every operation of the addon, one line each. Sorted by name.

#include "native/binding/operation.h"

namespace gradsift::binding {

std::unique_ptr<Operation> prepare_adam_step(const Arguments& arguments);
std::unique_ptr<Operation> prepare_add_row_alignments(const Arguments& arguments);
std::unique_ptr<Operation> prepare_add_row_gram(const Arguments& arguments);
std::unique_ptr<Operation> prepare_add_rows_by_label(const Arguments& arguments);
std::unique_ptr<Operation> prepare_add_weighted_rows(const Arguments& arguments);
std::unique_ptr<Operation> prepare_axis_sum(const Arguments& arguments);
std::unique_ptr<Operation> prepare_cg_solve(const Arguments& arguments);
std::unique_ptr<Operation> prepare_cholesky_inverse(const Arguments& arguments);
std::unique_ptr<Operation> prepare_cholesky_solve(const Arguments& arguments);
std::unique_ptr<Operation> prepare_cross_entropy(const Arguments& arguments);
std::unique_ptr<Operation> prepare_cross_entropy_gradient(const Arguments& arguments);
std::unique_ptr<Operation> prepare_eigh(const Arguments& arguments);
std::unique_ptr<Operation> prepare_fma_peak(const Arguments& arguments);
std::unique_ptr<Operation> prepare_gelu(const Arguments& arguments);
std::unique_ptr<Operation> prepare_gelu_gradient(const Arguments& arguments);
std::unique_ptr<Operation> prepare_gfim(const Arguments& arguments);
std::unique_ptr<Operation> prepare_gfim_half(const Arguments& arguments);
std::unique_ptr<Operation> prepare_gfim_tile_samples(const Arguments& arguments);
std::unique_ptr<Operation> prepare_hyperpower_plan(const Arguments& arguments);
std::unique_ptr<Operation> prepare_hyperpower_solve(const Arguments& arguments);
std::unique_ptr<Operation> prepare_matmul(const Arguments& arguments);
std::unique_ptr<Operation> prepare_nearest_centroid(const Arguments& arguments);
std::unique_ptr<Operation> prepare_norm_rows(const Arguments& arguments);
std::unique_ptr<Operation> prepare_norm_rows_gradient(const Arguments& arguments);
std::unique_ptr<Operation> prepare_read_peak(const Arguments& arguments);
std::unique_ptr<Operation> prepare_row_dots(const Arguments& arguments);
std::unique_ptr<Operation> prepare_row_gram(const Arguments& arguments);
std::unique_ptr<Operation> prepare_row_norms(const Arguments& arguments);
std::unique_ptr<Operation> prepare_scaled_inverse(const Arguments& arguments);
std::unique_ptr<Operation> prepare_segment_sum(const Arguments& arguments);
std::unique_ptr<Operation> prepare_softmax(const Arguments& arguments);
std::unique_ptr<Operation> prepare_softmax_gradient(const Arguments& arguments);
std::unique_ptr<Operation> prepare_solve_residual(const Arguments& arguments);
std::unique_ptr<Operation> prepare_sparse_product(const Arguments& arguments);
std::unique_ptr<Operation> prepare_strided_copy(const Arguments& arguments);
std::unique_ptr<Operation> prepare_symmetric_product(const Arguments& arguments);
std::unique_ptr<Operation> prepare_textbook_inverse(const Arguments& arguments);
std::unique_ptr<Operation> prepare_widen(const Arguments& arguments);
std::unique_ptr<Operation> prepare_woodbury_solve(const Arguments& arguments);
std::unique_ptr<Operation> prepare_zip(const Arguments& arguments);

inline constexpr Export kOperations[] = {
    {"adamStep", prepare_adam_step},
    {"addRowAlignments", prepare_add_row_alignments},
    {"addRowGram", prepare_add_row_gram},
    {"addRowsByLabel", prepare_add_rows_by_label},
    {"addWeightedRows", prepare_add_weighted_rows},
    {"axisSum", prepare_axis_sum},
    {"cgSolve", prepare_cg_solve},
    {"choleskyInverse", prepare_cholesky_inverse},
    {"choleskySolve", prepare_cholesky_solve},
    {"crossEntropy", prepare_cross_entropy},
    {"crossEntropyGradient", prepare_cross_entropy_gradient},
    {"eigh", prepare_eigh},
    {"fmaPeak", prepare_fma_peak},
    {"gelu", prepare_gelu},
    {"geluGradient", prepare_gelu_gradient},
    {"gfim", prepare_gfim},
    {"gfimHalf", prepare_gfim_half},
    {"gfimTileSamples", prepare_gfim_tile_samples},
    {"hyperpowerPlan", prepare_hyperpower_plan},
    {"hyperpowerSolve", prepare_hyperpower_solve},
    {"matmul", prepare_matmul},
    {"nearestCentroid", prepare_nearest_centroid},
    {"normRows", prepare_norm_rows},
    {"normRowsGradient", prepare_norm_rows_gradient},
    {"readPeak", prepare_read_peak},
    {"rowDots", prepare_row_dots},
    {"rowGram", prepare_row_gram},
    {"rowNorms", prepare_row_norms},
    {"scaledInverse", prepare_scaled_inverse},
    {"segmentSum", prepare_segment_sum},
    {"softmax", prepare_softmax},
    {"softmaxGradient", prepare_softmax_gradient},
    {"solveResidual", prepare_solve_residual},
    {"sparseProduct", prepare_sparse_product},
    {"stridedCopy", prepare_strided_copy},
    {"symmetricProduct", prepare_symmetric_product},
    {"textbookInverse", prepare_textbook_inverse},
    {"widen", prepare_widen},
    {"woodburySolve", prepare_woodbury_solve},
    {"zip", prepare_zip},
};

}  // namespace gradsift::binding
