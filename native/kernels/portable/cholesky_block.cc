// The inverse of a small Cholesky factor.
#include <cmath>

#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

// The rows of (A | I) are eliminated together: what turns A into L' turns I into the inverse of L.
template <class T>
std::size_t cholesky_block(const CholeskyBlock<T>& block) noexcept {
  constexpr std::size_t side = kCholeskyBlock;
  T rows[side][side];  // L'
  T diagonal[side];
  const std::size_t n = block.n;
  T* inverse = block.inverse;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i; j < n; ++j) rows[i][j] = block.a[j * block.stride + i];
    for (std::size_t j = 0; j < side; ++j) inverse[i * side + j] = i == j ? T{1} : T{0};
    diagonal[i] = rows[i][i];
  }
  for (std::size_t j = 0; j < n; ++j) {
    const T pivot = rows[j][j];
    if (!(pivot > block.tolerance * std::fabs(diagonal[j])) || !std::isfinite(pivot)) {
      inverse[0] = pivot;
      return j;
    }
    const T scale = 1 / std::sqrt(pivot);
    for (std::size_t k = j; k < n; ++k) rows[j][k] *= scale;
    for (std::size_t k = 0; k <= j; ++k) inverse[j * side + k] *= scale;
    for (std::size_t i = j + 1; i < n; ++i) {
      const T factor = rows[j][i];
      for (std::size_t k = i; k < n; ++k) rows[i][k] -= factor * rows[j][k];
      for (std::size_t k = 0; k <= j; ++k) inverse[i * side + k] -= factor * inverse[j * side + k];
    }
  }
  return n;
}

}  // namespace

std::size_t cholesky_block_f32(const CholeskyBlock<float>& block) noexcept { return cholesky_block(block); }
std::size_t cholesky_block_f64(const CholeskyBlock<double>& block) noexcept { return cholesky_block(block); }

}  // namespace gradsift::portable
