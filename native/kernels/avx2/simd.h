#pragma once
// One ymm register of float32 or float64, in the words that native/kernels/generic/ is written in. Inside the region.

namespace gradsift::avx2 {

struct F32 {
  using Value = float;
  using Register = __m256;
  using Mask = __m256i;
  static constexpr std::size_t kLanes = 8;

  static Mask mask(std::size_t count) noexcept {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
  }
  static Register zero() noexcept { return _mm256_setzero_ps(); }
  static Register all(float x) noexcept { return _mm256_set1_ps(x); }
  static Register load(const float* p) noexcept { return _mm256_loadu_ps(p); }
  static Register load(const float* p, Mask mask) noexcept { return _mm256_maskload_ps(p, mask); }
  static void store(float* p, Register x) noexcept { _mm256_storeu_ps(p, x); }
  static void store(float* p, Register x, Mask mask) noexcept { _mm256_maskstore_ps(p, mask, x); }
  static void store_halves(float* low, float* high, Register x) noexcept {
    _mm_storeu_ps(low, _mm256_castps256_ps128(x));
    _mm_storeu_ps(high, _mm256_extractf128_ps(x, 1));
  }
  static Register add(Register a, Register b) noexcept { return _mm256_add_ps(a, b); }
  static Register sub(Register a, Register b) noexcept { return _mm256_sub_ps(a, b); }
  static Register mul(Register a, Register b) noexcept { return _mm256_mul_ps(a, b); }
  static Register div(Register a, Register b) noexcept { return _mm256_div_ps(a, b); }
  static Register sqrt(Register x) noexcept { return _mm256_sqrt_ps(x); }
  static Register fma(Register a, Register b, Register c) noexcept { return _mm256_fmadd_ps(a, b, c); }
  static Register max(Register a, Register b) noexcept { return _mm256_max_ps(a, b); }
  static Register keep(Register x, Mask mask) noexcept { return _mm256_and_ps(x, _mm256_castsi256_ps(mask)); }
  static Register where_less(Register a, Register b, Register yes, Register no) noexcept {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
  }
  static Register power_of_two(Register n) noexcept {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
  }
  static float sum(Register x) noexcept {
    const __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)));
  }
  static float greatest(Register x) noexcept {
    const __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 pair = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)));
  }
  static Register widen_bf16(const std::uint16_t* bits) noexcept {
    const __m128i narrow = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bits));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(narrow), 16));
  }
  static Register widen_f16(const std::uint16_t* bits) noexcept {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bits)));
  }

  // x[i] lane j becomes x[j] lane i: pairs, then fours within 128 bits, then the halves.
  static void transpose(Register (&x)[8]) noexcept {
    __m256 y[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
      y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
      y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      x[i] = _mm256_shuffle_ps(y[i], y[i + 2], 0x44);
      x[i + 1] = _mm256_shuffle_ps(y[i], y[i + 2], 0xee);
      x[i + 2] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0x44);
      x[i + 3] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      y[i] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x20);
      y[i + 4] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x31);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) x[i] = y[i];
  }
};

// Pairs of bfloat16, one to a lane: two exact multiply-adds.
struct Bf16 : F32 {
  static Register pairs(const std::uint16_t* even, const std::uint16_t* odd) noexcept {
    const __m256i low = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(even)));
    const __m256i high = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(odd)));
    return _mm256_castsi256_ps(_mm256_or_si256(low, _mm256_slli_epi32(high, 16)));
  }
  static Register dot(Register a, Register b, Register sum) noexcept {
    return fma(high(a), high(b), fma(low(a), low(b), sum));
  }

 private:
  static Register low(Register x) noexcept {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), 16));
  }
  static Register high(Register x) noexcept {
    const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
    return _mm256_castsi256_ps(_mm256_and_si256(_mm256_castps_si256(x), mask));
  }
};

struct F64 {
  using Value = double;
  using Register = __m256d;
  using Mask = __m256i;
  static constexpr std::size_t kLanes = 4;

  static Mask mask(std::size_t count) noexcept {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(static_cast<long long>(count)), _mm256_setr_epi64x(0, 1, 2, 3));
  }
  static Register zero() noexcept { return _mm256_setzero_pd(); }
  static Register all(double x) noexcept { return _mm256_set1_pd(x); }
  static Register load(const double* p) noexcept { return _mm256_loadu_pd(p); }
  static Register load(const double* p, Mask mask) noexcept { return _mm256_maskload_pd(p, mask); }
  static Register load(const float* p) noexcept { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static Register load(const float* p, Mask mask) noexcept {
    // The low half of each 64-bit lane of the mask is that of the 32-bit lane.
    const __m256i low = _mm256_permutevar8x32_epi32(mask, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    return _mm256_cvtps_pd(_mm_maskload_ps(p, _mm256_castsi256_si128(low)));
  }
  static Register load(const Bfloat16* p) noexcept { return widen_bf16(halves(p)); }
  static Register load(const Bfloat16* p, Mask mask) noexcept { return widen_bf16(halves(p, mask)); }
  static Register load(const Float16* p) noexcept { return widen_f16(halves(p)); }
  static Register load(const Float16* p, Mask mask) noexcept { return widen_f16(halves(p, mask)); }
  static void store(double* p, Register x) noexcept { _mm256_storeu_pd(p, x); }
  static void store(float* p, Register x) noexcept { _mm_storeu_ps(p, _mm256_cvtpd_ps(x)); }
  static void store(double* p, Register x, Mask mask) noexcept { _mm256_maskstore_pd(p, mask, x); }
  static Register add(Register a, Register b) noexcept { return _mm256_add_pd(a, b); }
  static Register sub(Register a, Register b) noexcept { return _mm256_sub_pd(a, b); }
  static Register mul(Register a, Register b) noexcept { return _mm256_mul_pd(a, b); }
  static Register div(Register a, Register b) noexcept { return _mm256_div_pd(a, b); }
  static Register sqrt(Register x) noexcept { return _mm256_sqrt_pd(x); }
  static Register fma(Register a, Register b, Register c) noexcept { return _mm256_fmadd_pd(a, b, c); }
  static double sum(Register x) noexcept {
    const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
  }

  // x[i] lane j becomes x[j] lane i: pairs, then the halves.
  static void transpose(Register (&x)[4]) noexcept {
    const __m256d y0 = _mm256_unpacklo_pd(x[0], x[1]), y1 = _mm256_unpackhi_pd(x[0], x[1]);
    const __m256d y2 = _mm256_unpacklo_pd(x[2], x[3]), y3 = _mm256_unpackhi_pd(x[2], x[3]);
    x[0] = _mm256_permute2f128_pd(y0, y2, 0x20);
    x[1] = _mm256_permute2f128_pd(y1, y3, 0x20);
    x[2] = _mm256_permute2f128_pd(y0, y2, 0x31);
    x[3] = _mm256_permute2f128_pd(y1, y3, 0x31);
  }

 private:
  static __m128i halves(const void* p) noexcept { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); }
  template <class T>
  static __m128i halves(const T* p, Mask mask) noexcept {  // there are no masked loads of 16 bits
    const int lanes = _mm256_movemask_pd(_mm256_castsi256_pd(mask));
    T low[4] = {};
    for (int lane = 0; lanes >> lane & 1; ++lane) low[lane] = p[lane];
    return halves(low);
  }
  static Register widen_bf16(__m128i bits) noexcept {
    return _mm256_cvtps_pd(_mm_castsi128_ps(_mm_slli_epi32(_mm_cvtepu16_epi32(bits), 16)));
  }
  static Register widen_f16(__m128i bits) noexcept { return _mm256_cvtps_pd(_mm_cvtph_ps(bits)); }
};

}  // namespace gradsift::avx2
