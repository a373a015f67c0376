#include <bit>

#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

constexpr std::size_t kRows = 4, kColumns = 8;

float low(float pair) noexcept { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(pair) << 16); }
float high(float pair) noexcept { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(pair) & 0xffff0000u); }

void tile(const Tile<float>& tile) noexcept {
  for (std::size_t i = 0; i < tile.rows; ++i) {
    for (std::size_t j = 0; j < tile.columns; ++j) {
      float sum = 0;
      for (std::size_t p = 0; p < tile.depth; ++p) {
        const float a = tile.a[p * tile.a_stride + i], b = tile.b[p * tile.b_stride + j];
        sum += low(a) * low(b);
        sum += high(a) * high(b);
      }
      tile.c[i * tile.c_stride + j] = sum;
    }
  }
}

}  // namespace

void pack_bf16(const PackPairs& pack) noexcept {
  for (std::size_t p = 0; p < pack.depth; ++p) {
    const std::uint16_t* even = pack.source + 2 * p * pack.depth_stride;
    const bool alone = pack.odd && p + 1 == pack.depth;
    float* panel = pack.panel + p * pack.width;
    for (std::size_t line = 0; line < pack.width; ++line) {
      const std::uint32_t first = line < pack.lines ? even[line] : 0u;
      const std::uint32_t second = line < pack.lines && !alone ? even[pack.depth_stride + line] : 0u;
      panel[line] = std::bit_cast<float>(first | second << 16);
    }
  }
}

constinit const TileKernel<float> kTileBf16 = {kRows, kColumns, tile};

}  // namespace gradsift::portable
