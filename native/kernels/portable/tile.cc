#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

// 4 x 8 floats (4 x 4 doubles): 8 accumulators + 2 of B + 1 of A of the 16 xmm registers that every x86-64 has, and
// few enough for any other machine.
constexpr std::size_t kRows = 4;
template <class T>
constexpr std::size_t kColumns = 32 / sizeof(T);

template <class T>
void tile(const Tile<T>& tile) noexcept {
  constexpr std::size_t columns = kColumns<T>;
  T sum[kRows][columns] = {};
  if (tile.columns == columns) {
    for (std::size_t p = 0; p < tile.depth; ++p) {
      const T* a = tile.a + p * tile.a_stride;
      const T* b = tile.b + p * tile.b_stride;
      for (std::size_t i = 0; i < kRows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) sum[i][j] += a[i] * b[j];
      }
    }
  } else {
    for (std::size_t p = 0; p < tile.depth; ++p) {
      const T* a = tile.a + p * tile.a_stride;
      const T* b = tile.b + p * tile.b_stride;
      for (std::size_t i = 0; i < kRows; ++i) {
        for (std::size_t j = 0; j < tile.columns; ++j) sum[i][j] += a[i] * b[j];
      }
    }
  }
  for (std::size_t i = 0; i < tile.rows; ++i) {
    T* c = tile.c + i * tile.c_stride;
    for (std::size_t j = 0; j < tile.columns; ++j) {
      c[j] = tile.beta == 0 ? tile.alpha * sum[i][j] : tile.alpha * sum[i][j] + tile.beta * c[j];
    }
  }
}

}  // namespace

constinit const TileKernel<float> kTileF32 = {kRows, kColumns<float>, tile<float>};
constinit const TileKernel<double> kTileF64 = {kRows, kColumns<double>, tile<double>};

}  // namespace gradsift::portable
