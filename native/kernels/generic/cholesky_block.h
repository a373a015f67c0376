#pragma once
// The inverse of a small Cholesky factor, for every V of an ISA's simd.h. Include it inside the region.

#include "native/kernels/generic/pack.h"
#include "native/kernels/table.h"

namespace gradsift::generic {

// to -= factor * from, for whole registers [first, last).
template <class V>
void subtract_registers(std::size_t first, std::size_t last, typename V::Value factor, const typename V::Value* from,
                        typename V::Value* to) noexcept {
  const auto scale = V::all(-factor);
  for (std::size_t v = first * V::kLanes; v < last * V::kLanes; v += V::kLanes) {
    V::store(to + v, V::fma(scale, V::load(from + v), V::load(to + v)));
  }
}

// The rows of (A | I) are eliminated together: what turns A into L' turns I into the inverse of L.
template <class V>
std::size_t cholesky_block(const CholeskyBlock<typename V::Value>& block) noexcept {
  using T = typename V::Value;
  constexpr std::size_t side = kCholeskyBlock;
  alignas(64) T rows[side * side];  // right of the diagonal: L', row by row; left of it what never meets the rest
  T diagonal[side];
  const std::size_t n = block.n, registers = (n + V::kLanes - 1) / V::kLanes;
  T* inverse = block.inverse;
  pack_transposed<V>(Pack<T, T>{n, side, n, block.a, block.stride, 1, rows});
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < side; j += V::kLanes) V::store(inverse + i * side + j, V::zero());
    inverse[i * side + i] = 1;
    diagonal[i] = rows[i * side + i];
  }
  for (std::size_t j = 0; j < n; ++j) {
    T* row = rows + j * side;
    T* own = inverse + j * side;
    const T pivot = row[j], size = diagonal[j] < 0 ? -diagonal[j] : diagonal[j];
    if (!(pivot > block.tolerance * size) || pivot - pivot != 0) {
      inverse[0] = pivot;
      return j;
    }
    const auto scale = V::all(1 / std::sqrt(pivot));
    const std::size_t first = j / V::kLanes;
    for (std::size_t v = first; v < registers; ++v) {
      V::store(row + v * V::kLanes, V::mul(scale, V::load(row + v * V::kLanes)));
    }
    for (std::size_t v = 0; v <= first; ++v) {
      V::store(own + v * V::kLanes, V::mul(scale, V::load(own + v * V::kLanes)));
    }
    for (std::size_t i = j + 1; i < n; ++i) {
      subtract_registers<V>(i / V::kLanes, registers, row[i], row, rows + i * side);
      subtract_registers<V>(0, first + 1, row[i], own, inverse + i * side);
    }
  }
  return n;
}

}  // namespace gradsift::generic
