#pragma once
// 16-bit floats as numbers, bit by bit.

#include <bit>
#include <cstdint>

#include "native/kernels/table.h"

namespace gradsift::portable {

inline float widen(Bfloat16 x) noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16); }

// IEEE half: 1 sign, 5 exponent (bias 15), 10 mantissa bits. float32: 1, 8 (bias 127), 23.
inline float widen(Float16 x) noexcept {
  const std::uint32_t half = x.bits;
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

inline float widen(float x) noexcept { return x; }
inline double widen(double x) noexcept { return x; }

}  // namespace gradsift::portable
