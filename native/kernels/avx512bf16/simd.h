#pragma once
// One zmm register of pairs of bfloat16. Inside the region. (Not derived from avx512/simd.h: what is compiled here must
// not be linked into what runs on processors without BF16.)

namespace gradsift::avx512bf16 {

struct Bf16 {
  using Value = float;
  using Register = __m512;
  using Mask = __mmask16;
  static constexpr std::size_t kLanes = 16;
  static constexpr bool kOneInstruction = true;  // a dot of two pairs takes no more time than one multiply-add

  static Mask mask(std::size_t count) noexcept { return static_cast<Mask>((1u << count) - 1); }
  static Register zero() noexcept { return _mm512_setzero_ps(); }
  static Register all(float x) noexcept { return _mm512_set1_ps(x); }
  static Register load(const float* p) noexcept { return _mm512_loadu_ps(p); }
  static Register load(const float* p, Mask mask) noexcept { return _mm512_maskz_loadu_ps(mask, p); }
  static void store(float* p, Register x) noexcept { _mm512_storeu_ps(p, x); }
  static void store(float* p, Register x, Mask mask) noexcept { _mm512_mask_storeu_ps(p, mask, x); }
  static Register mul(Register a, Register b) noexcept { return _mm512_mul_ps(a, b); }
  static Register fma(Register a, Register b, Register c) noexcept { return _mm512_fmadd_ps(a, b, c); }
  static Register dot(Register a, Register b, Register sum) noexcept {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
};

}  // namespace gradsift::avx512bf16
