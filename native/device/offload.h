#pragma once
// The problems of linalg/ handed to a GPU: each as its struct of the CUDA library, with the same outcomes. The
// contracts are those of linalg/; results differ from the CPU's within the same bounds.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/cholesky.h"
#include "native/linalg/gemm.h"
#include "native/linalg/gfim.h"
#include "native/linalg/hyperpower_inverse.h"
#include "native/linalg/hyperpower_solve.h"
#include "native/linalg/stored_rows.h"
#include "native/linalg/symmetric_product.h"

namespace gradsift {

// Where a call runs: on the threads of an Execution, or on the GPU of this number.
inline constexpr int kCpu = -1;

// row_dots() over rows of a type known at run time: out[q * out_stride + i] = alpha <H_q, X_i> + beta out[...].
struct RowDots {
  StoredRows rows;
  std::size_t length = 0;
  const double* h = nullptr;
  std::size_t queries = 0;
  double alpha = 1, beta = 0;
  double* out = nullptr;
  std::size_t out_stride = 0;
  double* norms = nullptr;
};

Status offload(int device, const Execution& execution, const RowDots& problem) noexcept;

// For T of float and double; GfimBlock also of std::uint16_t.
template <class T>
Status offload(int device, const Execution& execution, const Gemm<T>& problem) noexcept;
template <class T>
Status offload(int device, const Execution& execution, const SymmetricProduct<T>& problem) noexcept;
template <class T>
Status offload(int device, const Execution& execution, const GfimBlock<T>& block) noexcept;
template <class T>
Status offload(int device, const Execution& execution, const HyperpowerSolve<T>& problem) noexcept;
template <class T>
Status offload(int device, const Execution& execution, const ScaledInverse<T>& problem) noexcept;
template <class T>
Status offload(int device, const Execution& execution, const CholeskySolve<T>& problem) noexcept;

}  // namespace gradsift
