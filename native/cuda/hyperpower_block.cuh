#pragma once
// The scaled hyperpower iteration of one matrix in the shared memory of one block. R and X stay there; a warp forms a
// 32 x 32 tile of their products. Only tiles on and below the diagonal are formed, and mirrored: results are exactly
// symmetric.

#include "native/cuda/block_sums.cuh"
#include "native/cuda/plugin.h"
#include "native/cuda/scaled_iteration.h"
#include "native/cuda/warp_tile.cuh"

namespace gradsift::cuda {

template <unsigned kOrder_>
struct SmallConfig {
  static constexpr unsigned kOrder = kOrder_;
  static constexpr bool kSplit = true;
  static constexpr unsigned kN = kOrder, kWarpM = 32, kWarpN = 32, kPromote = 1;
  static constexpr unsigned kThreads = kOrder / 32 * (kOrder / 32) * kWarp;
  using Tile = SharedTile<float, kOrder, kOrder, true>;
};

// What the threads of a block share besides the matrices.
struct SmallBounds {
  double a, b, certain;
  bool guessed;  // a is no bound
};

struct SmallScratch {
  const void* matrix;
  double damping;
  SmallBounds bounds;
  double partial[kMostWarps];
  double scale[kMostDoublings];
  double rho[kMostDoublings + 1];
  double start;
  unsigned steps, products;  // of the last run, of all
  unsigned restarts;
};

enum class SmallGuard { fits, grew, stuck };

template <unsigned kOrder, class T>
class HyperpowerBlock {
 public:
  using Config = SmallConfig<kOrder>;
  using Tile = typename Config::Tile;

  // The matrix and its damping are kept in shared memory: the products want every register.
  __device__ HyperpowerBlock(unsigned order, const T* matrix, double damping, float* inverse, float* residual,
                             SmallScratch& shared)
      : n(order), x(inverse), r(residual), scratch(shared) {
    if (threadIdx.x == 0) {
      scratch.matrix = matrix;
      scratch.damping = damping;
      scratch.products = scratch.restarts = 0;
    }
    block_barrier();
  }

  // Norms of A + damping I, and from them the interval. Status non_finite or not_positive_definite ends it.
  __device__ Status find_bounds(double lambda_min, double lambda_max) {
    double squares = 0, infinity = 0;
    const unsigned lane = threadIdx.x % kWarp;
    for (unsigned i = threadIdx.x / kWarp; i < n; i += Config::kThreads / kWarp) {
      double row = 0, row_squares = 0;
      for (unsigned j = lane; j < n; j += kWarp) {
        const double entry = entry_of(i, j);
        row += fabs(entry);
        row_squares = fma(entry, entry, row_squares);
      }
      infinity = larger(warp_sum(row), infinity);
      squares += warp_sum(row_squares);
    }
    infinity = block_largest(infinity, scratch.partial);
    squares = block_sum(squares, scratch.partial);
    if (!(infinity < kHuge)) return Status::non_finite;
    const double frobenius = squares > kTinySquare && squares < kHuge ? sqrt(squares) : infinity;
    const double certain = (frobenius < infinity ? frobenius : infinity) * (1 + 4 * 0x1p-52 * n);
    if (threadIdx.x == 0) {
      const double b = lambda_max > 0 ? lambda_max : certain;
      // Nothing known from below: a first guess, which restarts correct.
      const double low = lambda_min > 0 ? lambda_min : scratch.damping > 0 ? scratch.damping : b / 1024;
      scratch.bounds = {low < b ? low : b, b, certain, !(lambda_min > 0) && !(scratch.damping > 0)};
    }
    block_barrier();
    return certain > 0 ? Status::ok : Status::not_positive_definite;
  }

  // Runs until rho <= target: X approximates the inverse.
  __device__ SmallGuard run(double target) {
    const SmallBounds& bounds = scratch.bounds;
    plan(target);
    start();
    double previous = kHuge;
    for (unsigned k = 0; k + 1 < scratch.steps; ++k) {
      const double scale = scratch.scale[k];
      square(static_cast<float>(scale), static_cast<float>(1 - scale));
      const double size = residual_norm(scale);
      const double root = sqrt(static_cast<double>(n));
      const double slack = residual_slack(k, bounds.b / bounds.a, n, kTf32x3Roundoff);
      if (!(size <= root * (scratch.rho[k] + slack))) {
        const bool grows = size > 1 && size > 1.01 * previous;
        return grows || !(size <= 1.01 * root) ? SmallGuard::grew : SmallGuard::stuck;
      }
      previous = size;
      multiply_inverse(static_cast<float>(scratch.scale[k + 1]));
    }
    return SmallGuard::fits;
  }

  __device__ unsigned steps() const { return scratch.steps; }
  __device__ unsigned restarts() const { return scratch.restarts; }
  __device__ unsigned products() const { return scratch.products; }

  // The interval was wrong. False when there is nothing left to try. All threads come.
  __device__ bool widen(bool grew) {
    block_barrier();  // all have read the bounds
    SmallBounds& bounds = scratch.bounds;
    const bool left = grew ? bounds.b < bounds.certain : bounds.a / 64 > n * kTf32x3Roundoff * bounds.b;
    block_barrier();
    if (left && threadIdx.x == 0) {
      ++scratch.restarts;
      if (grew) {
        bounds.b = bounds.certain;
      } else {
        bounds.a /= 64;
      }
    }
    block_barrier();
    return left;
  }

  // z <- X w for `count` rows of n in shared memory, in place.
  __device__ void apply(float* w, unsigned count) const {
    constexpr unsigned kEach = (8 * kOrder + Config::kThreads - 1) / Config::kThreads;
    float z[kEach];
#pragma unroll
    for (unsigned e = 0; e < kEach; ++e) {
      const unsigned at = threadIdx.x + e * Config::kThreads, q = at / n, j = at - q * n;
      z[e] = 0;
      if (q >= count) continue;
      // X is symmetric: reading down a column keeps the lanes of a warp in different banks.
      for (unsigned k = 0; k < n; ++k) z[e] = fmaf(x[Tile::offset({k, j})], w[q * n + k], z[e]);
    }
    block_barrier();
#pragma unroll
    for (unsigned e = 0; e < kEach; ++e) {
      const unsigned at = threadIdx.x + e * Config::kThreads;
      if (at < count * n) w[at] = z[e];
    }
    block_barrier();
  }

  // ||I - (A + damping I) X||_F^2 in float64.
  __device__ double inverse_remainder() const {
    const unsigned lane = threadIdx.x % kWarp;
    double mine = 0;
    block_barrier();
    for (unsigned i = threadIdx.x / kWarp; i < n; i += Config::kThreads / kWarp) {
      for (unsigned j = lane; j < n; j += kWarp) {
        double sum = i == j ? 1 : 0;
        for (unsigned k = 0; k < n; ++k) {
          const double entry = entry_of(i, k);
          sum = fma(-entry, static_cast<double>(x[Tile::offset({k, j})]), sum);
        }
        mine = fma(sum, sum, mine);
      }
    }
    return block_sum(warp_sum(mine), scratch.partial);
  }

 private:
  static constexpr double kHuge = 1e300, kTinySquare = 1e-280;

  // Of A + damping I.
  __device__ double entry_of(unsigned i, unsigned j) const {
    const T* a = static_cast<const T*>(scratch.matrix);
    return static_cast<double>(a[std::size_t{i} * n + j]) + (i == j ? scratch.damping : 0);
  }

  __device__ void plan(double target) {
    block_barrier();
    if (threadIdx.x == 0) {
      ScaledIteration iteration(scratch.bounds.a, scratch.bounds.b);
      scratch.start = iteration.start;
      scratch.rho[0] = iteration.rho;
      unsigned k = 0;
      do {
        scratch.scale[k] = iteration.next();
        scratch.rho[++k] = iteration.rho;
      } while (k < kMostDoublings && iteration.rho > target);
      scratch.steps = k;
      scratch.products += 2 * (k - 1);
    }
    block_barrier();
  }

  // R_0 = I - start (A + damping I), X_1 = start s_0 (I + R_0); zero beyond the order.
  __device__ void start() {
    for (unsigned at = threadIdx.x; at < kOrder * kOrder; at += Config::kThreads) {
      const unsigned i = at / kOrder, j = at % kOrder;
      const bool inside = i < n && j < n;
      const double one = i == j ? 1 : 0;
      double residual = 0;
      if (inside) residual = one - scratch.start * entry_of(i, j);
      const unsigned to = Tile::offset({i, j});
      r[to] = static_cast<float>(residual);
      x[to] = inside ? static_cast<float>(scratch.start * scratch.scale[0] * (one + residual)) : 0;
    }
    block_barrier();
  }

  using Sums = Tf32Sums<Config, Tile, Tile>;

  __device__ static bool lower_warp() {
    const TilePlace origin = warp_origin<Config>();
    return origin.row >= origin.column;
  }

  // left * R by the tile of this warp; R's lines are its columns.
  __device__ void product(const float* left, Sums& sums) const {
#pragma unroll 1
    for (unsigned depth = 0; depth < kOrder; depth += 16) {
      sums.multiply_step(depth, left, r);
      sums.multiply_step(depth + 8, left, r);
      sums.promote();
    }
  }

  // R <- scale R^2 + shift I
  __device__ void square(float scale, float shift) {
    Sums sums;
    if (lower_warp()) product(r, sums);
    block_barrier();  // nobody reads R any more
    if (lower_warp()) {
      sums.each([&](unsigned i, unsigned j, float sum) {
        if (j <= i) mirror(r, i, j, scale * sum + (i == j && i < n ? shift : 0));
      });
    }
    block_barrier();
  }

  // X <- scale (X + X R)
  __device__ void multiply_inverse(float scale) {
    Sums sums;
    if (lower_warp()) product(x, sums);
    block_barrier();
    if (lower_warp()) {
      sums.each([&](unsigned i, unsigned j, float sum) {
        if (j <= i) mirror(x, i, j, scale * (x[Tile::offset({i, j})] + sum));
      });
    }
    block_barrier();
  }

  __device__ static void mirror(float* matrix, unsigned i, unsigned j, float value) {
    matrix[Tile::offset({i, j})] = value;
    matrix[Tile::offset({j, i})] = value;
  }

  // ||R_k||_F from the trace of R_{k+1}, by every warp alike.
  __device__ double residual_norm(double scale) const {
    double sum = 0;
    for (unsigned i = threadIdx.x % kWarp; i < n; i += kWarp) {
      sum += (static_cast<double>(r[Tile::offset({i, i})]) - (1 - scale)) / scale;
    }
    sum = warp_sum(sum);
    return sum < 0 ? 0 : sqrt(sum);  // NaN stays
  }

  const unsigned n;
  float* const x;
  float* const r;
  SmallScratch& scratch;
};

}  // namespace gradsift::cuda
