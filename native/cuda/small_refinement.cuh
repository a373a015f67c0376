#pragma once
// H = (A + damping I)^-1 V of one small matrix by one block: an approximate inverse is applied to the float64 remainder
// until the residual is small, for a few right-hand sides at a time.

#include "native/cuda/block_sums.cuh"
#include "native/cuda/instructions.h"
#include "native/cuda/plugin.h"

namespace gradsift::cuda {

inline constexpr unsigned kRefinedTogether = 8;  // right-hand sides
inline constexpr unsigned kMostPasses = 30;      // each at least halves the residual, or was the last

// Shared memory of the refinement, behind one another.
struct RefinementSpace {
  double* x;
  double* best;
  double* remainder;
  float* w;  // the remainder at size 1, and then what the approximate inverse makes of it
  double* sizes;

  static constexpr std::size_t bytes(std::size_t n) {
    return kRefinedTogether * (n * (3 * sizeof(double) + sizeof(float)) + sizeof(double));
  }
  __device__ RefinementSpace(unsigned char* memory, unsigned n)
      : x(reinterpret_cast<double*>(memory)),
        best(x + kRefinedTogether * n),
        remainder(best + kRefinedTogether * n),
        w(reinterpret_cast<float*>(remainder + kRefinedTogether * n + kRefinedTogether)),
        sizes(remainder + kRefinedTogether * n) {}
};

template <class T>
struct SmallSystem {
  unsigned n;
  std::size_t rhs;
  const T* a;
  double damping;
  const T* v;
  T* h;
  double tolerance;
};

// Outcome of all right-hand sides: squares of the Frobenius norms.
struct Refined {
  double remainder = 0, whole = 0;
  unsigned passes = 0;
  bool reached = true;
};

// Writes zeros; the certificate tells why.
template <class T>
__device__ void reject_small(const SmallSystem<T>& s) {
  for (std::size_t i = threadIdx.x; i < s.rhs * s.n; i += blockDim.x) s.h[i] = 0;
}

template <class T>
class SmallRefinement {
 public:
  __device__ SmallRefinement(const SmallSystem<T>& system, const RefinementSpace& space, double* partial)
      : s_(system), m_(space), partial_(partial) {}

  // apply(w, count): w <- M w for `count` rows of n floats in shared memory; all threads come, with barriers around.
  template <class Apply>
  __device__ Refined run(const Apply& apply) {
    Refined total;
    for (std::size_t first = 0; first < s_.rhs; first += kRefinedTogether) {
      const std::size_t left = s_.rhs - first;
      refine(first, left < kRefinedTogether ? static_cast<unsigned>(left) : kRefinedTogether, apply, total);
    }
    return total;
  }

 private:
  template <class Apply>
  __device__ void refine(std::size_t first, unsigned count, const Apply& apply, Refined& total) {
    const unsigned n = s_.n, elements = count * n;
    const T* v = s_.v + first * n;
    T* h = s_.h + first * n;
    for (unsigned i = threadIdx.x; i < elements; i += blockDim.x) {
      m_.x[i] = m_.best[i] = 0;
      m_.remainder[i] = static_cast<double>(v[i]);
    }
    const double whole = measure(count);
    double reached = whole;
    unsigned pass = 0;
    while (reached > s_.tolerance * s_.tolerance * whole && pass < kMostPasses) {
      ++pass;
      for (unsigned i = threadIdx.x; i < elements; i += blockDim.x) {
        const double size = m_.sizes[i / n];
        m_.w[i] = size > 0 ? static_cast<float>(m_.remainder[i] / size) : 0;
      }
      block_barrier();
      apply(m_.w, count);
      for (unsigned i = threadIdx.x; i < elements; i += blockDim.x) {
        m_.x[i] += m_.sizes[i / n] * static_cast<double>(m_.w[i]);
      }
      const double now = measure_remainder(v, count);
      const bool better = now < reached;  // false for NaN
      for (unsigned i = threadIdx.x; better && i < elements; i += blockDim.x) m_.best[i] = m_.x[i];
      const bool enough = !(now <= reached / 4);  // squares: the residual did not halve
      if (better) reached = now;
      if (enough) break;
    }
    // What is returned is what is certified: rounded to T.
    for (unsigned i = threadIdx.x; i < elements; i += blockDim.x) {
      h[i] = static_cast<T>(m_.best[i]);
      m_.x[i] = static_cast<double>(h[i]);
    }
    const double remainder = measure_remainder(v, count);
    total.remainder += remainder;
    total.whole += whole;
    total.passes = pass > total.passes ? pass : total.passes;
    total.reached = total.reached && remainder <= s_.tolerance * s_.tolerance * whole;
  }

  // remainder <- V - (A + damping I) X, a warp a row of A; then as measure().
  __device__ double measure_remainder(const T* v, unsigned count) {
    const unsigned n = s_.n, lane = threadIdx.x % kWarp;
    block_barrier();
    for (unsigned row = threadIdx.x / kWarp; row < n; row += blockDim.x / kWarp) {
      double sum[kRefinedTogether] = {};
      for (unsigned k = lane; k < n; k += kWarp) {
        const double a = static_cast<double>(s_.a[std::size_t{row} * n + k]);
#pragma unroll
        for (unsigned q = 0; q < kRefinedTogether; ++q) {
          if (q < count) sum[q] = fma(a, m_.x[q * n + k], sum[q]);
        }
      }
#pragma unroll
      for (unsigned q = 0; q < kRefinedTogether; ++q) {
        const double product = warp_sum(sum[q]);
        if (lane == 0 && q < count) {
          const unsigned at = q * n + row;
          m_.remainder[at] = static_cast<double>(v[at]) - s_.damping * m_.x[at] - product;
        }
      }
    }
    return measure(count);
  }

  // sizes <- norms of the rows of the remainder; the sum of their squares.
  __device__ double measure(unsigned count) {
    const unsigned n = s_.n, lane = threadIdx.x % kWarp, warps = blockDim.x / kWarp;
    block_barrier();
    double mine = 0;
    for (unsigned q = threadIdx.x / kWarp; q < count; q += warps) {
      double squares = 0;
      for (unsigned k = lane; k < n; k += kWarp)
        squares = fma(m_.remainder[q * n + k], m_.remainder[q * n + k], squares);
      squares = warp_sum(squares);
      if (lane == 0) m_.sizes[q] = sqrt(squares);
      mine += squares;
    }
    return block_sum(mine, partial_);
  }

  const SmallSystem<T>& s_;
  const RefinementSpace& m_;
  double* partial_;
};

// The numbers of a certificate that refinement knows; thread 0 writes it.
__device__ inline void write_certificate(Certificate& out, Status status, unsigned steps, unsigned restarts,
                                         const Refined& refined, double lambda_min, double lambda_max, double flops) {
  if (threadIdx.x != 0) return;
  out.status = static_cast<std::int32_t>(status);
  out.steps = steps;
  out.refinements = refined.passes > 0 ? refined.passes - 1 : 0;
  out.restarts = restarts;
  out.residual = refined.remainder == 0 ? 0 : sqrt(refined.remainder / refined.whole);
  out.lambda_min = lambda_min;
  out.lambda_max = lambda_max;
  out.flops = flops;
}

}  // namespace gradsift::cuda
