#pragma once
// One 128-bit register of float32 or float64, in the words that native/kernels/generic/ is written in.

namespace gradsift::neon {

struct F32 {
  using Value = float;
  using Register = float32x4_t;
  using Mask = std::size_t;  // NEON has no masks: how many lanes count, loaded and stored one by one
  static constexpr std::size_t kLanes = 4;

  static Mask mask(std::size_t count) noexcept { return count; }
  static Register zero() noexcept { return vdupq_n_f32(0); }
  static Register all(float x) noexcept { return vdupq_n_f32(x); }
  static Register load(const float* p) noexcept { return vld1q_f32(p); }
  static Register load(const float* p, Mask count) noexcept {
    if (count == kLanes) return load(p);
    Register x = zero();
    if (count > 0) x = vld1q_lane_f32(p, x, 0);
    if (count > 1) x = vld1q_lane_f32(p + 1, x, 1);
    if (count > 2) x = vld1q_lane_f32(p + 2, x, 2);
    return x;
  }
  static void store(float* p, Register x) noexcept { vst1q_f32(p, x); }
  static void store(float* p, Register x, Mask count) noexcept {
    if (count == kLanes) return store(p, x);
    if (count > 0) vst1q_lane_f32(p, x, 0);
    if (count > 1) vst1q_lane_f32(p + 1, x, 1);
    if (count > 2) vst1q_lane_f32(p + 2, x, 2);
  }
  static Register add(Register a, Register b) noexcept { return vaddq_f32(a, b); }
  static Register sub(Register a, Register b) noexcept { return vsubq_f32(a, b); }
  static Register mul(Register a, Register b) noexcept { return vmulq_f32(a, b); }
  static Register div(Register a, Register b) noexcept { return vdivq_f32(a, b); }
  static Register sqrt(Register x) noexcept { return vsqrtq_f32(x); }
  static Register fma(Register a, Register b, Register c) noexcept { return vfmaq_f32(c, a, b); }
  static Register max(Register a, Register b) noexcept { return vmaxq_f32(a, b); }
  static Register keep(Register x, Mask count) noexcept {
    const std::uint32_t lanes[kLanes] = {0, 1, 2, 3};
    const uint32x4_t kept = vcltq_u32(vld1q_u32(lanes), vdupq_n_u32(static_cast<std::uint32_t>(count)));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), kept));
  }
  static Register where_less(Register a, Register b, Register yes, Register no) noexcept {
    return vbslq_f32(vcltq_f32(a, b), yes, no);
  }
  static Register power_of_two(Register n) noexcept {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23));
  }
  static float sum(Register x) noexcept { return vaddvq_f32(x); }
  static float greatest(Register x) noexcept { return vmaxvq_f32(x); }
  static Register widen_bf16(const std::uint16_t* bits) noexcept {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(bits), 16));
  }
  static Register widen_f16(const std::uint16_t* bits) noexcept {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(bits)));
  }

  // x[i] lane j becomes x[j] lane i: pairs, then the halves.
  static void transpose(Register (&x)[4]) noexcept {
    const float64x2_t y0 = vreinterpretq_f64_f32(vtrn1q_f32(x[0], x[1]));
    const float64x2_t y1 = vreinterpretq_f64_f32(vtrn2q_f32(x[0], x[1]));
    const float64x2_t y2 = vreinterpretq_f64_f32(vtrn1q_f32(x[2], x[3]));
    const float64x2_t y3 = vreinterpretq_f64_f32(vtrn2q_f32(x[2], x[3]));
    x[0] = vreinterpretq_f32_f64(vtrn1q_f64(y0, y2));
    x[1] = vreinterpretq_f32_f64(vtrn1q_f64(y1, y3));
    x[2] = vreinterpretq_f32_f64(vtrn2q_f64(y0, y2));
    x[3] = vreinterpretq_f32_f64(vtrn2q_f64(y1, y3));
  }
};

// Pairs of bfloat16, one to a lane: two exact multiply-adds.
struct Bf16 : F32 {
  static Register pairs(const std::uint16_t* even, const std::uint16_t* odd) noexcept {
    return vreinterpretq_f32_u32(vorrq_u32(vmovl_u16(vld1_u16(even)), vshll_n_u16(vld1_u16(odd), 16)));
  }
  static Register dot(Register a, Register b, Register sum) noexcept {
    return fma(high(a), high(b), fma(low(a), low(b), sum));
  }

 private:
  static Register low(Register x) noexcept { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(x), 16)); }
  static Register high(Register x) noexcept {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), vdupq_n_u32(0xffff0000u)));
  }
};

struct F64 {
  using Value = double;
  using Register = float64x2_t;
  using Mask = std::size_t;
  static constexpr std::size_t kLanes = 2;

  static Mask mask(std::size_t count) noexcept { return count; }
  static Register zero() noexcept { return vdupq_n_f64(0); }
  static Register all(double x) noexcept { return vdupq_n_f64(x); }
  static Register load(const double* p) noexcept { return vld1q_f64(p); }
  static Register load(const double* p, Mask count) noexcept {
    if (count == kLanes) return load(p);
    return count > 0 ? vld1q_lane_f64(p, zero(), 0) : zero();
  }
  static Register load(const float* p) noexcept { return vcvt_f64_f32(vld1_f32(p)); }
  static Register load(const float* p, Mask count) noexcept {
    if (count == kLanes) return load(p);
    return count > 0 ? vcvt_f64_f32(vld1_lane_f32(p, vdup_n_f32(0), 0)) : zero();
  }
  static Register load(const Bfloat16* p, Mask count = kLanes) noexcept {
    return vcvt_f64_f32(vget_low_f32(vreinterpretq_f32_u32(vshll_n_u16(halves(p, count), 16))));
  }
  static Register load(const Float16* p, Mask count = kLanes) noexcept {
    return vcvt_f64_f32(vget_low_f32(vcvt_f32_f16(vreinterpret_f16_u16(halves(p, count)))));
  }
  static void store(double* p, Register x) noexcept { vst1q_f64(p, x); }
  static void store(float* p, Register x) noexcept { vst1_f32(p, vcvt_f32_f64(x)); }
  static void store(double* p, Register x, Mask count) noexcept {
    if (count == kLanes) return store(p, x);
    if (count > 0) vst1q_lane_f64(p, x, 0);
  }
  static Register add(Register a, Register b) noexcept { return vaddq_f64(a, b); }
  static Register sub(Register a, Register b) noexcept { return vsubq_f64(a, b); }
  static Register mul(Register a, Register b) noexcept { return vmulq_f64(a, b); }
  static Register div(Register a, Register b) noexcept { return vdivq_f64(a, b); }
  static Register sqrt(Register x) noexcept { return vsqrtq_f64(x); }
  static Register fma(Register a, Register b, Register c) noexcept { return vfmaq_f64(c, a, b); }
  static double sum(Register x) noexcept { return vaddvq_f64(x); }

  // x[i] lane j becomes x[j] lane i.
  static void transpose(Register (&x)[2]) noexcept {
    const float64x2_t first = vtrn1q_f64(x[0], x[1]);
    x[1] = vtrn2q_f64(x[0], x[1]);
    x[0] = first;
  }

 private:
  template <class T>
  static uint16x4_t halves(const T* p, Mask count) noexcept {
    const std::uint64_t low = count > 0 ? p[0].bits : 0;
    const std::uint64_t high = count > 1 ? p[1].bits : 0;
    return vcreate_u16(low | high << 16);
  }
};

}  // namespace gradsift::neon
