// The matrix instructions, lane by lane, as the PTX ISA describes their fragments (g = lane / 4, t = lane % 4).

#include <bit>

#include "cuda_runtime.h"

namespace gradsift::cuda {

namespace {

// What a tensor core does to a sum: rounded toward zero.
float truncate(double x) {
  const float nearest = static_cast<float>(x);
  if (std::isfinite(nearest) && std::fabs(static_cast<double>(nearest)) > std::fabs(x))
    return std::nextafterf(nearest, 0);
  return nearest;
}

double tf32_value(std::uint32_t bits) { return std::bit_cast<float>(bits & 0xffffe000u); }
double bf16_value(std::uint32_t bits) { return std::bit_cast<float>(bits << 16); }
double f16_value(std::uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const double fraction = bits & 1023;
  const double size = exponent == 0    ? std::ldexp(fraction, -24)
                      : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                       : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000u ? -size : size;
}

struct Mma {
  float* d;
  const std::uint32_t* a;
  const std::uint32_t* b;
};

// D (16 x 8) += A (16 x kDepth) B (kDepth x 8)
template <unsigned kDepth>
void accumulate(void* const* lanes, const double (&a)[16][kDepth], const double (&b)[kDepth][8]) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    float* d = static_cast<Mma*>(lanes[lane])->d;
    for (unsigned e = 0; e < 4; ++e) {
      const unsigned row = lane / 4 + (e < 2 ? 0 : 8), column = lane % 4 * 2 + (e & 1);
      double sum = d[e];
      for (unsigned k = 0; k < kDepth; ++k) sum += a[row][k] * b[k][column];
      d[e] = truncate(sum);
    }
  }
}

void act_tf32(void* const* lanes) {
  double a[16][8], b[8][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const Mma& mine = *static_cast<Mma*>(lanes[lane]);
    const unsigned g = lane / 4, t = lane % 4;
    a[g][t] = tf32_value(mine.a[0]);
    a[g + 8][t] = tf32_value(mine.a[1]);
    a[g][t + 4] = tf32_value(mine.a[2]);
    a[g + 8][t + 4] = tf32_value(mine.a[3]);
    b[t][g] = tf32_value(mine.b[0]);
    b[t + 4][g] = tf32_value(mine.b[1]);
  }
  accumulate<8>(lanes, a, b);
}

template <double (*kValue)(std::uint32_t)>
void act_half(void* const* lanes) {
  double a[16][16], b[16][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const Mma& mine = *static_cast<Mma*>(lanes[lane]);
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned half = 0; half < 2; ++half) {
      const auto value = [half](std::uint32_t pair) { return kValue(pair >> (16 * half) & 0xffffu); };
      const unsigned k = 2 * t + half;
      a[g][k] = value(mine.a[0]);
      a[g + 8][k] = value(mine.a[1]);
      a[g][k + 8] = value(mine.a[2]);
      a[g + 8][k + 8] = value(mine.a[3]);
      b[k][g] = value(mine.b[0]);
      b[k + 8][g] = value(mine.b[1]);
    }
  }
  accumulate<16>(lanes, a, b);
}

struct MmaF64 {
  double* d;
  double a, b;
};

void act_f64(void* const* lanes) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    double* d = static_cast<MmaF64*>(lanes[lane])->d;
    for (unsigned e = 0; e < 2; ++e) {
      const unsigned row = lane / 4, column = lane % 4 * 2 + e;
      for (unsigned k = 0; k < 4; ++k) {
        d[e] =
            std::fma(static_cast<MmaF64*>(lanes[4 * row + k])->a, static_cast<MmaF64*>(lanes[4 * column + k])->b, d[e]);
      }
    }
  }
}

struct Load {
  std::uint32_t* out;
  const std::uint16_t* row;
};

template <bool kTransposed>
void act_load(void* const* lanes) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned q = 0; q < 4; ++q) {
      const auto element = [&](unsigned row, unsigned column) {
        return std::uint32_t{static_cast<Load*>(lanes[8 * q + row])->row[column]};
      };
      static_cast<Load*>(lanes[lane])->out[q] = kTransposed ? element(2 * t, g) | element(2 * t + 1, g) << 16
                                                            : element(g, 2 * t) | element(g, 2 * t + 1) << 16;
    }
  }
}

}  // namespace

void mma_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  Mma mine{d, a, b};
  emulator::collective(act_tf32, &mine);
}
void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  Mma mine{d, a, b};
  emulator::collective(act_half<bf16_value>, &mine);
}
void mma_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  Mma mine{d, a, b};
  emulator::collective(act_half<f16_value>, &mine);
}
void mma_f64(double (&d)[2], double a, double b) {
  MmaF64 mine{d, a, b};
  emulator::collective(act_f64, &mine);
}
void load_matrices(std::uint32_t (&out)[4], const void* row) {
  Load mine{out, static_cast<const std::uint16_t*>(row)};
  emulator::collective(act_load<false>, &mine);
}
void load_matrices_transposed(std::uint32_t (&out)[4], const void* row) {
  Load mine{out, static_cast<const std::uint16_t*>(row)};
  emulator::collective(act_load<true>, &mine);
}

}  // namespace gradsift::cuda
