#pragma once
// One zmm register of float32 or float64, in the words that native/kernels/generic/ is written in. Inside the region.

namespace gradsift::avx512 {

struct F32 {
  using Value = float;
  using Register = __m512;
  using Mask = __mmask16;
  static constexpr std::size_t kLanes = 16;

  static Mask mask(std::size_t count) noexcept { return static_cast<Mask>((1u << count) - 1); }
  static Register zero() noexcept { return _mm512_setzero_ps(); }
  static Register all(float x) noexcept { return _mm512_set1_ps(x); }
  static Register load(const float* p) noexcept { return _mm512_loadu_ps(p); }
  static Register load(const float* p, Mask mask) noexcept { return _mm512_maskz_loadu_ps(mask, p); }
  static void store(float* p, Register x) noexcept { _mm512_storeu_ps(p, x); }
  static void store(float* p, Register x, Mask mask) noexcept { _mm512_mask_storeu_ps(p, mask, x); }
  static void store_halves(float* low, float* high, Register x) noexcept {
    _mm256_storeu_ps(low, _mm512_castps512_ps256(x));
    _mm256_storeu_ps(high, _mm512_extractf32x8_ps(x, 1));
  }
  static Register add(Register a, Register b) noexcept { return _mm512_add_ps(a, b); }
  static Register sub(Register a, Register b) noexcept { return _mm512_sub_ps(a, b); }
  static Register mul(Register a, Register b) noexcept { return _mm512_mul_ps(a, b); }
  static Register div(Register a, Register b) noexcept { return _mm512_div_ps(a, b); }
  static Register sqrt(Register x) noexcept { return _mm512_sqrt_ps(x); }
  static Register fma(Register a, Register b, Register c) noexcept { return _mm512_fmadd_ps(a, b, c); }
  static Register max(Register a, Register b) noexcept { return _mm512_max_ps(a, b); }
  static Register keep(Register x, Mask mask) noexcept { return _mm512_maskz_mov_ps(mask, x); }
  static Register where_less(Register a, Register b, Register yes, Register no) noexcept {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
  }
  static Register power_of_two(Register n) noexcept {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
  }
  // One bit a lane: a >= b, or one of them is NaN.
  static unsigned not_below(Register a, Register b) noexcept { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }
  // To nearest, ties to even; a NaN may become anything.
  static Register round_bf16(Register x) noexcept {
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i carried = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    return _mm512_castsi512_ps(_mm512_and_si512(carried, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
  }
  // Neighbours of the 2 x kLanes values as pairs of bfloat16, the first of each in the low half.
  static Register join_bf16(Register x, Register y) noexcept {
    const __m512i lane = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512 even = _mm512_permutex2var_ps(x, lane, y);
    const __m512 odd = _mm512_permutex2var_ps(x, _mm512_add_epi32(lane, _mm512_set1_epi32(1)), y);
    return _mm512_castsi512_ps(
        _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(even), 16), _mm512_castps_si512(odd)));
  }
  static float sum(Register x) noexcept { return _mm512_reduce_add_ps(x); }
  static float greatest(Register x) noexcept { return _mm512_reduce_max_ps(x); }
  static Register widen_bf16(const std::uint16_t* bits) noexcept {
    const __m256i narrow = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16));
  }
  static Register widen_f16(const std::uint16_t* bits) noexcept {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits)));
  }

  // x[i] lane j becomes x[j] lane i: pairs, then fours within 128 bits, then the 128-bit quarters twice.
  static void transpose(Register (&x)[16]) noexcept {
    __m512 y[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
      y[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
      y[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
      x[i] = pairs_low(y[i], y[i + 2]);
      x[i + 1] = pairs_high(y[i], y[i + 2]);
      x[i + 2] = pairs_low(y[i + 1], y[i + 3]);
      x[i + 3] = pairs_high(y[i + 1], y[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      y[i] = _mm512_shuffle_f32x4(x[i], x[i + 4], 0x88);
      y[i + 4] = _mm512_shuffle_f32x4(x[i], x[i + 4], 0xdd);
      y[i + 8] = _mm512_shuffle_f32x4(x[i + 8], x[i + 12], 0x88);
      y[i + 12] = _mm512_shuffle_f32x4(x[i + 8], x[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      x[i] = _mm512_shuffle_f32x4(y[i], y[i + 8], 0x88);
      x[i + 8] = _mm512_shuffle_f32x4(y[i], y[i + 8], 0xdd);
      x[i + 4] = _mm512_shuffle_f32x4(y[i + 4], y[i + 12], 0x88);
      x[i + 12] = _mm512_shuffle_f32x4(y[i + 4], y[i + 12], 0xdd);
    }
  }

 private:
  static __m512 pairs_low(__m512 a, __m512 b) noexcept {
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
  }
  static __m512 pairs_high(__m512 a, __m512 b) noexcept {
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
  }
};

// Pairs of bfloat16, one to a lane, for processors without a dot product of them: two exact multiply-adds.
struct Bf16 : F32 {
  static Register pairs(const std::uint16_t* even, const std::uint16_t* odd) noexcept {
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(even)));
    const __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(odd)));
    return _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
  }
  static Register dot(Register a, Register b, Register sum) noexcept {
    return fma(high(a), high(b), fma(low(a), low(b), sum));
  }

 private:
  static Register low(Register x) noexcept {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), 16));
  }
  static Register high(Register x) noexcept {
    const __m512i mask = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x), mask));
  }
};

struct F64 {
  using Value = double;
  using Register = __m512d;
  using Mask = __mmask8;
  static constexpr std::size_t kLanes = 8;

  static Mask mask(std::size_t count) noexcept { return static_cast<Mask>((1u << count) - 1); }
  static Register zero() noexcept { return _mm512_setzero_pd(); }
  static Register all(double x) noexcept { return _mm512_set1_pd(x); }
  static Register load(const double* p) noexcept { return _mm512_loadu_pd(p); }
  static Register load(const double* p, Mask mask) noexcept { return _mm512_maskz_loadu_pd(mask, p); }
  static Register load(const float* p) noexcept { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
  static Register load(const float* p, Mask mask) noexcept { return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, p)); }
  static Register load(const Bfloat16* p) noexcept { return widen_bf16(_mm_loadu_si128(halves(p))); }
  static Register load(const Bfloat16* p, Mask mask) noexcept { return widen_bf16(_mm_maskz_loadu_epi16(mask, p)); }
  static Register load(const Float16* p) noexcept { return widen_f16(_mm_loadu_si128(halves(p))); }
  static Register load(const Float16* p, Mask mask) noexcept { return widen_f16(_mm_maskz_loadu_epi16(mask, p)); }
  static void store(double* p, Register x) noexcept { _mm512_storeu_pd(p, x); }
  static void store(float* p, Register x) noexcept { _mm256_storeu_ps(p, _mm512_cvtpd_ps(x)); }
  static void store(double* p, Register x, Mask mask) noexcept { _mm512_mask_storeu_pd(p, mask, x); }
  static Register add(Register a, Register b) noexcept { return _mm512_add_pd(a, b); }
  static Register sub(Register a, Register b) noexcept { return _mm512_sub_pd(a, b); }
  static Register mul(Register a, Register b) noexcept { return _mm512_mul_pd(a, b); }
  static Register div(Register a, Register b) noexcept { return _mm512_div_pd(a, b); }
  static Register sqrt(Register x) noexcept { return _mm512_sqrt_pd(x); }
  static Register fma(Register a, Register b, Register c) noexcept { return _mm512_fmadd_pd(a, b, c); }
  static double sum(Register x) noexcept { return _mm512_reduce_add_pd(x); }

  // x[i] lane j becomes x[j] lane i: pairs, then the 128-bit quarters twice.
  static void transpose(Register (&x)[8]) noexcept {
    __m512d y[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
      y[i] = _mm512_unpacklo_pd(x[i], x[i + 1]);
      y[i + 1] = _mm512_unpackhi_pd(x[i], x[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      x[i] = _mm512_shuffle_f64x2(y[i], y[i + 2], 0x88);
      x[i + 2] = _mm512_shuffle_f64x2(y[i], y[i + 2], 0xdd);
      x[i + 4] = _mm512_shuffle_f64x2(y[i + 4], y[i + 6], 0x88);
      x[i + 6] = _mm512_shuffle_f64x2(y[i + 4], y[i + 6], 0xdd);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      y[i] = _mm512_shuffle_f64x2(x[i], x[i + 4], 0x88);
      y[i + 4] = _mm512_shuffle_f64x2(x[i], x[i + 4], 0xdd);
      y[i + 2] = _mm512_shuffle_f64x2(x[i + 2], x[i + 6], 0x88);
      y[i + 6] = _mm512_shuffle_f64x2(x[i + 2], x[i + 6], 0xdd);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) x[i] = y[i];
  }

 private:
  static const __m128i* halves(const void* p) noexcept { return static_cast<const __m128i*>(p); }
  static Register widen_bf16(__m128i bits) noexcept {
    return _mm512_cvtps_pd(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)));
  }
  static Register widen_f16(__m128i bits) noexcept { return _mm512_cvtps_pd(_mm256_cvtph_ps(bits)); }
};

// The same on ymm registers, for matrices of few columns: masks without AVX2's cost, and no 64 bytes read for 32.
struct F32Half {
  using Value = float;
  using Register = __m256;
  using Mask = __mmask8;
  static constexpr std::size_t kLanes = 8;

  static Mask mask(std::size_t count) noexcept { return static_cast<Mask>((1u << count) - 1); }
  static Register zero() noexcept { return _mm256_setzero_ps(); }
  static Register all(float x) noexcept { return _mm256_set1_ps(x); }
  static Register load(const float* p) noexcept { return _mm256_loadu_ps(p); }
  static Register load(const float* p, Mask mask) noexcept { return _mm256_maskz_loadu_ps(mask, p); }
  static void store(float* p, Register x) noexcept { _mm256_storeu_ps(p, x); }
  static void store(float* p, Register x, Mask mask) noexcept { _mm256_mask_storeu_ps(p, mask, x); }
  static Register mul(Register a, Register b) noexcept { return _mm256_mul_ps(a, b); }
  static Register fma(Register a, Register b, Register c) noexcept { return _mm256_fmadd_ps(a, b, c); }
};

struct F64Half {
  using Value = double;
  using Register = __m256d;
  using Mask = __mmask8;
  static constexpr std::size_t kLanes = 4;

  static Mask mask(std::size_t count) noexcept { return static_cast<Mask>((1u << count) - 1); }
  static Register zero() noexcept { return _mm256_setzero_pd(); }
  static Register all(double x) noexcept { return _mm256_set1_pd(x); }
  static Register load(const double* p) noexcept { return _mm256_loadu_pd(p); }
  static Register load(const double* p, Mask mask) noexcept { return _mm256_maskz_loadu_pd(mask, p); }
  static void store(double* p, Register x) noexcept { _mm256_storeu_pd(p, x); }
  static void store(double* p, Register x, Mask mask) noexcept { _mm256_mask_storeu_pd(p, mask, x); }
  static Register mul(Register a, Register b) noexcept { return _mm256_mul_pd(a, b); }
  static Register fma(Register a, Register b, Register c) noexcept { return _mm256_fmadd_pd(a, b, c); }
};

}  // namespace gradsift::avx512
