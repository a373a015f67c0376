#pragma once
// Element types of the device and their exact conversions; the two parts of a float32 that TF32 products take.

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

namespace gradsift::cuda {

// 16-bit numbers as their stored bits.
struct Bf16 {
  std::uint16_t bits;
};
struct F16 {
  std::uint16_t bits;
};

__host__ __device__ inline float as_float(std::uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
__host__ __device__ inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

__host__ __device__ inline float widen(Bf16 x) { return as_float(static_cast<std::uint32_t>(x.bits) << 16); }
// Moved to the exponent of float32 and scaled by 2^112, which is exact for subnormals too; what was infinite or NaN
// lands at 2^16 and above, and gets its exponent back.
__host__ __device__ inline float widen(F16 x) {
  const std::uint32_t size = static_cast<std::uint32_t>(x.bits & 0x7fffu) << 13;
  const float scaled = as_float(size) * 0x1p112f;
  const std::uint32_t finite = bits_of(scaled);
  const std::uint32_t bits = scaled >= 65536.0f ? finite | 0x7f800000u : finite;
  return as_float(bits | static_cast<std::uint32_t>(x.bits & 0x8000u) << 16);
}
__host__ __device__ inline float widen(float x) { return x; }
__host__ __device__ inline double widen(double x) { return x; }

// x rounded to TF32 (ten bits after the leading one), half away from zero. The integer sum carries into the exponent
// where it must; the largest numbers become infinite. NaN of all ones, which GPUs make, would become 0: see below.
__host__ __device__ inline std::uint32_t tf32(float x) { return (bits_of(x) + 0x1000u) & 0xffffe000u; }
// The same for a number that has no second part to keep its NaN.
__host__ __device__ inline std::uint32_t tf32_alone(float x) { return x != x ? 0x7fc00000u : tf32(x); }

// x = high + low to 2^-22 of x; what is not finite makes `low` NaN, so that it is not lost.
struct Tf32Pair {
  std::uint32_t high, low;
};
__host__ __device__ inline Tf32Pair split(float x) {
  const std::uint32_t high = tf32(x);
  return {high, tf32(x - as_float(high))};
}

}  // namespace gradsift::cuda
