#pragma once
// One kernel for every product: C = alpha A B' + beta C + gamma I, tile by tile. A block computes one tile of C; its
// operands come through shared memory in kStages stages, the copies of the next ones under way while one is
// multiplied. What differs between types is the WarpTile: how a warp multiplies one stage.

#include "native/cuda/instructions.h"
#include "native/cuda/tiles.h"
#include "native/cuda/warp_tile.cuh"

namespace gradsift::cuda {

struct ProductSide {
  const void* data;
  std::size_t stride;  // between rows: lines where depth is contiguous, depths where lines are
  std::size_t batch_stride, run, run_stride;
  bool aligned;  // whether every row starts at a multiple of 16 bytes
};

struct ProductArgs {
  std::size_t m, n, k;
  ProductSide a, b;
  bool lower, c_f64;
  double alpha, beta, gamma;
  void* c;
  std::size_t c_stride, c_batch_stride;
  unsigned tiles_m, tiles_n;
  std::size_t first_batch;  // of this launch
};

// Brings tiles of one operand to shared memory; what lies outside becomes zero.
template <class Tile, class In, unsigned kThreads>
struct TileLoader {
  using Mine = Pieces<Tile, In, kThreads>;
  const In* data;
  std::size_t stride, run, run_stride, first_line, lines, depth;
  bool aligned;

  __device__ TileLoader(const ProductSide& side, std::size_t batch, std::size_t first, std::size_t m, std::size_t k)
      : data(static_cast<const In*>(side.data) + batch * side.batch_stride),
        stride(side.stride),
        run(side.run),
        run_stride(side.run_stride),
        first_line(first),
        lines(m),
        depth(k),
        aligned(side.aligned) {}

  __device__ std::size_t offset(std::size_t line, std::size_t p) const {
    if (!Tile::kAlongDepth) return p * stride + line;
    return line * stride + (run == 0 ? p : p / run * run_stride + p % run);
  }

  __device__ void load(std::size_t first_depth, In* shared) const {
#pragma unroll
    for (unsigned i = 0; i < Mine::kEach; ++i) {
      const Element at = Mine::first(threadIdx.x, i);
      const std::size_t line = first_line + at.line, p = first_depth + at.depth;
      std::size_t valid = 0;
      if (line < lines && p < depth) {
        const std::size_t left = Tile::kAlongDepth ? depth - p : lines - line;
        valid = left < Mine::kElements ? left : Mine::kElements;
      }
      In* to = shared + Tile::offset(at);
      if (aligned) {
        const In* from = valid == 0 ? data : data + offset(line, p);
        copy_async(to, from, static_cast<unsigned>(valid * sizeof(In)));
      } else {
        for (unsigned e = 0; e < Mine::kElements; ++e) {
          to[e] = e >= valid ? In{} : data[Tile::kAlongDepth ? offset(line, p + e) : offset(line + e, p)];
        }
      }
    }
  }
};

// Writes a tile's elements. Out and Number: float where float32 comes from float32 sums, else double.
template <class Out, class Number>
struct ProductStore {
  const ProductArgs& args;
  Out* c;
  Number alpha, beta, gamma;

  __device__ ProductStore(const ProductArgs& a, std::size_t batch)
      : args(a),
        c(static_cast<Out*>(a.c) + batch * a.c_batch_stride),
        alpha(static_cast<Number>(a.alpha)),
        beta(static_cast<Number>(a.beta)),
        gamma(static_cast<Number>(a.gamma)) {}

  template <class Sum>
  __device__ void put(std::size_t i, std::size_t j, Sum sum) const {
    if (i >= args.m || j >= args.n || (args.lower && j > i)) return;
    Out& to = c[i * args.c_stride + j];
    Number value = alpha * static_cast<Number>(sum);
    if (beta != 0) value += beta * static_cast<Number>(to);
    if (i == j) value += gamma;
    to = static_cast<Out>(value);
    if (args.lower && i != j) c[j * args.c_stride + i] = static_cast<Out>(value);
  }
};

template <class Config, class In, bool kAlongA, bool kAlongB>
struct ProductShape {
  using TileA = SharedTile<In, Config::kM, Config::kDepth, kAlongA>;
  using TileB = SharedTile<In, Config::kN, Config::kDepth, kAlongB>;
  static constexpr unsigned kStage = TileA::kElements + TileB::kElements;
  static constexpr std::size_t kSharedBytes = std::size_t{Config::kStages} * kStage * sizeof(In);
};

template <class Config, class In, bool kAlongA, bool kAlongB>
__global__ void __launch_bounds__(Config::kThreads, 1) product_kernel(const ProductArgs args) {
  using Shape = ProductShape<Config, In, kAlongA, kAlongB>;
  using TileA = typename Shape::TileA;
  using TileB = typename Shape::TileB;
  constexpr unsigned kStages = Config::kStages;
  In* stages = reinterpret_cast<In*>(shared_memory());
  const std::size_t batch = args.first_batch + blockIdx.z;
  const TilePlace tile = args.lower ? lower_tile(blockIdx.x) : grouped_tile(blockIdx.x, args.tiles_m, args.tiles_n);
  const std::size_t row = std::size_t{tile.row} * Config::kM, column = std::size_t{tile.column} * Config::kN;
  const TileLoader<TileA, In, Config::kThreads> a(args.a, batch, row, args.m, args.k);
  const TileLoader<TileB, In, Config::kThreads> b(args.b, batch, column, args.n, args.k);
  const auto load = [&](std::size_t step) {
    In* stage = stages + step % kStages * Shape::kStage;
    if (step * Config::kDepth < args.k) {
      a.load(step * Config::kDepth, stage);
      b.load(step * Config::kDepth, stage + TileA::kElements);
    }
    copies_commit();  // an empty group counts too: the number of groups under way is constant
  };
  for (unsigned step = 0; step + 1 < kStages; ++step) load(step);
  WarpTile<Config, In, TileA, TileB> work;
  const std::size_t steps = (args.k + Config::kDepth - 1) / Config::kDepth;
  for (std::size_t step = 0; step < steps; ++step) {
    copies_wait<static_cast<int>(kStages) - 2>();
    block_barrier();  // the stage is complete for all, and the one before it is no longer read
    load(step + kStages - 1);
    const In* stage = stages + step % kStages * Shape::kStage;
    work.multiply(step, stage, stage + TileA::kElements);
  }
  work.finish();
  if (args.c_f64) {
    const ProductStore<double, double> store(args, batch);
    work.each([&](unsigned i, unsigned j, auto sum) { store.put(row + i, column + j, sum); });
  } else {
    const ProductStore<float, float> store(args, batch);
    work.each([&](unsigned i, unsigned j, auto sum) { store.put(row + i, column + j, sum); });
  }
}

}  // namespace gradsift::cuda
