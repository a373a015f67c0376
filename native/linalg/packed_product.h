#pragma once
// The one blocked, packed and threaded matrix product under gemm, symmetric_product, gfim and row_gram.
//
//   C[b][i][j] = alpha <A_i, B_j> + beta C[b][i][j]      A: m lines, B: n lines, each of k elements
//
// Both operands are sets of lines, so a transpose is only a choice of strides. A block of each is packed into panels as
// wide as the register tile, then tiles of C are computed in parallel. Never parallel over k: each element of C is
// summed over blocks of depth_block, in order, whichever thread computes it.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// Terms of a sum before it is added to C: C is read and written once for all of them, while a panel of A (8 x 512
// floats, 16 KiB) stays in the first-level cache and one of B (up to 96 KiB) in the second. Also the longest float32
// sum before it is merged in float64. The order of summation depends on it: a constant, so that an instruction set
// gives the same bits on every machine. Blocks of rows and columns follow the caches (native/core/caches.h).
inline constexpr std::size_t kDepthBlock = 512;

// Element p of line l of item b: data[b * batch_stride + l * line_stride + p * depth_stride]. When depth_run != 0,
// lines are cut in runs of that many elements: element p is at (p / depth_run) * run_stride + (p % depth_run) *
// depth_stride.
template <class T>
struct Lines {
  const T* data = nullptr;
  std::size_t line_stride = 0, depth_stride = 1, batch_stride = 0;
  std::size_t depth_run = 0, run_stride = 0;
};

template <class A, class B, class C>
struct Product {
  std::size_t batch = 1, m = 0, n = 0, k = 0;
  double alpha = 1, beta = 0;  // beta == 0 never reads C
  Lines<A> a;
  Lines<B> b;
  C* c = nullptr;
  std::size_t c_stride = 0, c_batch_stride = 0;
  std::size_t depth_block = kDepthBlock;  // <= kDepthBlock
  bool bf16 = false;                      // of 16-bit lines: bfloat16, else half
  // Of bfloat16 lines side by side (line_stride 1, no runs): dots of pairs, k and depth_block counted in pairs, the
  // last of which has no second when `odd`. depth_stride still leads from one element to the next.
  bool pairs = false, odd = false;
  // Compute the elements j <= i only (m == n). Some above the diagonal may be overwritten too: mirror_lower() follows.
  bool lower = false;
};

// 16-bit lines (bfloat16 or half, as stored bits) are widened as they are packed.
// Type of the packed values and of the sums over a depth block: C itself, or float merged into a C of doubles.
template <class Packed, class A, class B, class C>
Status packed_product(const Execution& execution, const Product<A, B, C>& product) noexcept;

// C[j][i] = C[i][j] for j < i, after adding gamma to the diagonal.
template <class T>
Status mirror_lower(const Execution& execution, std::size_t batch, std::size_t n, T gamma, T* c, std::size_t c_stride,
                    std::size_t c_batch_stride) noexcept;

}  // namespace gradsift
