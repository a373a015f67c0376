#pragma once
// Sums over a warp and over a block, in an order that depends on their size alone.

#include "native/cuda/instructions.h"
#include "native/cuda/tiles.h"

namespace gradsift::cuda {

__device__ inline double warp_sum(double value) {
#pragma unroll
  for (unsigned mask = kWarp / 2; mask != 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}

// NaN wins, so that it is not lost on the way.
__device__ inline double larger(double a, double b) { return a > b || a != a ? a : b; }

inline constexpr unsigned kMostWarps = 32;

// `partial`: kMostWarps doubles of shared memory. Every warp brings one value, the same in all its lanes; every thread
// gets the result. All threads of the block must come.
__device__ inline double block_sum(double of_warp, double* partial) {
  const unsigned warps = blockDim.x / kWarp;
  block_barrier();
  if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = of_warp;
  block_barrier();
  double sum = 0;
  for (unsigned w = 0; w < warps; ++w) sum += partial[w];
  return sum;
}
__device__ inline double block_largest(double of_warp, double* partial) {
  const unsigned warps = blockDim.x / kWarp;
  block_barrier();
  if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = of_warp;
  block_barrier();
  double largest = partial[0];
  for (unsigned w = 1; w < warps; ++w) largest = larger(partial[w], largest);
  return largest;
}

}  // namespace gradsift::cuda
