#pragma once
// How a warp multiplies its part of a block's tile: 64 x 32 of 128 x 128 (TF32, 16 bits) or 32 x 32 of 64 x 64
// (float64). Sizes are first choices by register count and bank layout; none has been measured on a GPU yet.

#include "native/cuda/instructions.h"
#include "native/cuda/numbers.h"
#include "native/cuda/tiles.h"

namespace gradsift::cuda {

// A tensor core truncates where it adds up. Sums are therefore taken out of it every few steps and added by float32
// additions, which round to nearest: `kPromote` stages of depth kDepth.
template <bool kThree>
struct Tf32Config {
  static constexpr bool kSplit = kThree;
  static constexpr unsigned kM = 128, kN = 128, kDepth = 16, kWarpM = 64, kWarpN = 32, kThreads = 256, kStages = 4;
  static constexpr unsigned kPromote = 1;
};
// Products of 16-bit numbers are exact in float32, and truncation of sums of 512 is within the bound of float32 tiles
// of as many rows (hyperpower.md, section 5).
struct HalfConfig {
  static constexpr unsigned kM = 128, kN = 128, kDepth = 32, kWarpM = 64, kWarpN = 32, kThreads = 256, kStages = 4;
  static constexpr unsigned kPromote = 16;
};
struct F64Config {
  static constexpr unsigned kM = 64, kN = 64, kDepth = 16, kWarpM = 32, kWarpN = 32, kThreads = 128, kStages = 4;
};

// Where the warp of this thread starts within the block's tile.
template <class Config>
__device__ inline TilePlace warp_origin() {
  constexpr unsigned kAcross = Config::kN / Config::kWarpN;
  const unsigned warp = threadIdx.x / kWarp;
  return {warp / kAcross * Config::kWarpM, warp % kAcross * Config::kWarpN};
}

// 16 x 8 sums of float32, in the tensor core (partial) and outside (total).
template <class Config>
struct FloatSums {
  static constexpr unsigned kDown = Config::kWarpM / 16, kAcross = Config::kWarpN / 8;
  float partial[kDown][kAcross][4] = {};
  float total[kDown][kAcross][4] = {};

  __device__ void promote() {
#pragma unroll
    for (unsigned i = 0; i < kDown; ++i) {
#pragma unroll
      for (unsigned j = 0; j < kAcross; ++j) {
#pragma unroll
        for (unsigned e = 0; e < 4; ++e) {
          total[i][j][e] += partial[i][j][e];
          partial[i][j][e] = 0;
        }
      }
    }
  }
  __device__ void promote_after(std::size_t step) {
    if ((step + 1) % Config::kPromote == 0) promote();
  }
  __device__ void finish() { promote(); }

  // visit(row, column, sum) within the block's tile.
  template <class Visit>
  __device__ void each(const Visit& visit) const {
    const TilePlace origin = warp_origin<Config>();
    const unsigned lane = threadIdx.x % kWarp;
#pragma unroll
    for (unsigned i = 0; i < kDown; ++i) {
#pragma unroll
      for (unsigned j = 0; j < kAcross; ++j) {
#pragma unroll
        for (unsigned e = 0; e < 4; ++e) {
          const TilePlace at = accumulator_place(lane, e);
          visit(origin.row + 16 * i + at.row, origin.column + 8 * j + at.column, total[i][j][e]);
        }
      }
    }
  }
};

// TF32 products of float32 operands, 8 deep at a time.
template <class Config, class TileA, class TileB>
struct Tf32Sums : FloatSums<Config> {
  using Sums = FloatSums<Config>;

  __device__ void multiply_step(unsigned depth, const float* a, const float* b) {
    const TilePlace origin = warp_origin<Config>();
    const unsigned lane = threadIdx.x % kWarp;
    std::uint32_t a_high[Sums::kDown][4], a_low[Sums::kDown][4];  // unused parts cost nothing once compiled
#pragma unroll
    for (unsigned i = 0; i < Sums::kDown; ++i) {
#pragma unroll
      for (unsigned e = 0; e < 4; ++e) {
        const Element at = tf32_a(lane, e);
        const Tf32Pair x = parts(a[TileA::offset({origin.row + 16 * i + at.line, depth + at.depth})]);
        a_high[i][e] = x.high;
        a_low[i][e] = x.low;
      }
    }
#pragma unroll
    for (unsigned j = 0; j < Sums::kAcross; ++j) {
      std::uint32_t b_high[2], b_low[2];
#pragma unroll
      for (unsigned e = 0; e < 2; ++e) {
        const Element at = tf32_b(lane, e);
        const Tf32Pair x = parts(b[TileB::offset({origin.column + 8 * j + at.line, depth + at.depth})]);
        b_high[e] = x.high;
        b_low[e] = x.low;
      }
#pragma unroll
      for (unsigned i = 0; i < Sums::kDown; ++i) {
        if (Config::kSplit) {  // the small ones first
          mma_tf32(Sums::partial[i][j], a_low[i], b_high);
          mma_tf32(Sums::partial[i][j], a_high[i], b_low);
        }
        mma_tf32(Sums::partial[i][j], a_high[i], b_high);
      }
    }
  }

 private:
  __device__ static Tf32Pair parts(float x) {
    if (Config::kSplit) return split(x);
    return {tf32_alone(x), 0};
  }
};

template <class Config, class In, class TileA, class TileB>
struct WarpTile;

template <bool kThree, class TileA, class TileB>
struct WarpTile<Tf32Config<kThree>, float, TileA, TileB> : Tf32Sums<Tf32Config<kThree>, TileA, TileB> {
  using Config = Tf32Config<kThree>;

  __device__ void multiply(std::size_t step, const float* a, const float* b) {
#pragma unroll
    for (unsigned depth = 0; depth < Config::kDepth; depth += 8) this->multiply_step(depth, a, b);
    this->promote_after(step);
  }
};

__device__ inline void mma_half(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], Bf16) {
  mma_bf16(d, a, b);
}
__device__ inline void mma_half(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], F16) {
  mma_f16(d, a, b);
}

template <class In, class TileA, class TileB>
struct WarpTile<HalfConfig, In, TileA, TileB> : FloatSums<HalfConfig> {
  using Sums = FloatSums<HalfConfig>;

  __device__ void multiply(std::size_t step, const In* a, const In* b) {
#pragma unroll
    for (unsigned depth = 0; depth < HalfConfig::kDepth; depth += 16) multiply_step(depth, a, b);
    Sums::promote_after(step);
  }

 private:
  template <class Tile>
  __device__ static void fetch(std::uint32_t (&out)[4], const In* tile, Element at) {
    const In* row = tile + Tile::offset(at);
    if (Tile::kAlongDepth) {
      load_matrices(out, row);
    } else {
      load_matrices_transposed(out, row);
    }
  }

  __device__ void multiply_step(unsigned depth, const In* a, const In* b) {
    const TilePlace origin = warp_origin<HalfConfig>();
    const unsigned lane = threadIdx.x % kWarp;
    const Element at_a = half_a(lane, TileA::kAlongDepth), at_b = half_b(lane, TileB::kAlongDepth);
    std::uint32_t fragment[Sums::kDown][4];
#pragma unroll
    for (unsigned i = 0; i < Sums::kDown; ++i) {
      fetch<TileA>(fragment[i], a, {origin.row + 16 * i + at_a.line, depth + at_a.depth});
    }
#pragma unroll
    for (unsigned j = 0; j < Sums::kAcross; j += 2) {
      std::uint32_t pair[4];
      fetch<TileB>(pair, b, {origin.column + 8 * j + at_b.line, depth + at_b.depth});
      const std::uint32_t left[2] = {pair[0], pair[1]}, right[2] = {pair[2], pair[3]};
#pragma unroll
      for (unsigned i = 0; i < Sums::kDown; ++i) {
        mma_half(Sums::partial[i][j], fragment[i], left, In{});
        mma_half(Sums::partial[i][j + 1], fragment[i], right, In{});
      }
    }
  }
};

// 8 x 8 sums of float64, which the tensor core rounds as it should.
template <class In, class TileA, class TileB>
struct WarpTile<F64Config, In, TileA, TileB> {
  static constexpr unsigned kDown = F64Config::kWarpM / 8, kAcross = F64Config::kWarpN / 8;
  double total[kDown][kAcross][2] = {};

  __device__ void multiply(std::size_t, const In* a, const In* b) {
    const TilePlace origin = warp_origin<F64Config>();
    const Element at = f64_operand(threadIdx.x % kWarp);
#pragma unroll
    for (unsigned depth = 0; depth < F64Config::kDepth; depth += 4) {
      double x[kDown], y[kAcross];
#pragma unroll
      for (unsigned i = 0; i < kDown; ++i) {
        x[i] = widen(a[TileA::offset({origin.row + 8 * i + at.line, depth + at.depth})]);
      }
#pragma unroll
      for (unsigned j = 0; j < kAcross; ++j) {
        y[j] = widen(b[TileB::offset({origin.column + 8 * j + at.line, depth + at.depth})]);
      }
#pragma unroll
      for (unsigned i = 0; i < kDown; ++i) {
#pragma unroll
        for (unsigned j = 0; j < kAcross; ++j) mma_f64(total[i][j], x[i], y[j]);
      }
    }
  }
  __device__ void finish() {}

  template <class Visit>
  __device__ void each(const Visit& visit) const {
    const TilePlace origin = warp_origin<F64Config>();
#pragma unroll
    for (unsigned i = 0; i < kDown; ++i) {
#pragma unroll
      for (unsigned j = 0; j < kAcross; ++j) {
#pragma unroll
        for (unsigned e = 0; e < 2; ++e) {
          const TilePlace at = f64_place(threadIdx.x % kWarp, e);
          visit(origin.row + 8 * i + at.row, origin.column + 8 * j + at.column, total[i][j][e]);
        }
      }
    }
  }
};

}  // namespace gradsift::cuda
