#include <bit>

#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

// IEEE half: 1 sign, 5 exponent (bias 15), 10 mantissa bits. float32: 1, 8 (bias 127), 23.
float widen_half(std::uint32_t half) noexcept {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1fu;
  const std::uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact in float32
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  const std::uint32_t rebiased = exponent == 0x1fu ? 0xffu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | rebiased << 23 | mantissa << 13);
}

}  // namespace

void widen_bf16(const std::uint16_t* bits, std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(bits[i]) << 16);
}

void widen_f16(const std::uint16_t* bits, std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = widen_half(bits[i]);
}

}  // namespace gradsift::portable
