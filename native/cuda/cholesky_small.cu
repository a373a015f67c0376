#include "native/cuda/cholesky_small.h"

#include <algorithm>
#include <type_traits>

#include "native/cuda/small_refinement.cuh"

namespace gradsift::cuda {

namespace {

constexpr unsigned kThreads = 128;

struct CholeskyArgs {
  std::size_t n, rhs;
  const void* a;
  double damping;
  const void* v;
  void* h;
  double tolerance;
  Certificate* certificates;
};

// Rows of the factor are one element longer than needed: a column is read without bank conflicts.
__host__ __device__ constexpr std::size_t factor_elements(std::size_t n) { return (n * (n + 1) + 1) / 2 * 2; }

template <class F>
constexpr std::size_t shared_bytes(std::size_t n) {
  return (factor_elements(n) * sizeof(F) + 7) / 8 * 8 + RefinementSpace::bytes(n) + kMostWarps * sizeof(double);
}

// L L' = A + damping I in precision F, in place: the lower triangle of `l`.
template <class F>
struct Factor {
  F* l;
  unsigned n;

  __device__ F& at(unsigned i, unsigned j) const { return l[i * (n + 1) + j]; }

  // ok, non_finite or not_positive_definite, the same in every thread.
  template <class T>
  __device__ Status build(const T* a, double damping, double* partial, double& frobenius) const {
    double largest = 0, squares = 0;
    for (unsigned at_ = threadIdx.x; at_ < n * n; at_ += kThreads) {
      const unsigned i = at_ / n, j = at_ % n;
      const double entry = static_cast<double>(a[at_]) + (i == j ? damping : 0);
      largest = larger(fabs(entry), largest);
      squares = fma(entry, entry, squares);
      if (j <= i) at(i, j) = static_cast<F>(entry);
    }
#pragma unroll
    for (unsigned mask = kWarp / 2; mask != 0; mask /= 2) largest = larger(shuffle_xor(largest, mask), largest);
    largest = block_largest(largest, partial);
    frobenius = sqrt(block_sum(warp_sum(squares), partial));
    if (!(largest < kHuge)) return Status::non_finite;
    // A pivot below the rounding of the largest entry is no pivot.
    const double least = n * (sizeof(F) == 4 ? 0x1p-24 : 0x1p-53) * largest;
    for (unsigned k = 0; k < n; ++k) {
      const F pivot = at(k, k);
      if (!(static_cast<double>(pivot) > least)) return Status::not_positive_definite;
      const F root = sqrt(pivot);
      block_barrier();  // all have read the pivot
      for (unsigned i = k + threadIdx.x; i < n; i += kThreads) at(i, k) = i == k ? root : at(i, k) / root;
      block_barrier();
      const unsigned rest = n - k - 1;
      for (unsigned e = threadIdx.x; e < rest * rest; e += kThreads) {
        const unsigned i = k + 1 + e / rest, j = k + 1 + e % rest;
        if (j <= i) at(i, j) = fma(-at(i, k), at(j, k), at(i, j));
      }
      block_barrier();
    }
    return Status::ok;
  }

  // w <- (L L')^-1 w for `count` rows. In the precision of w; each step settles one element of every row.
  template <class W>
  __device__ void solve(W* w, unsigned count) const {
    for (unsigned k = 0; k < n; ++k) settle(w, count, k, k + 1, n, false);
    for (unsigned k = n; k-- > 0;) settle(w, count, k, 0, k, true);
  }

 private:
  static constexpr double kHuge = 1e300;

  template <class W>
  __device__ void settle(W* w, unsigned count, unsigned k, unsigned first, unsigned end, bool transposed) const {
    block_barrier();
    if (threadIdx.x < count) w[threadIdx.x * n + k] /= static_cast<W>(at(k, k));
    block_barrier();
    const unsigned height = end - first;
    for (unsigned e = threadIdx.x; e < count * height; e += kThreads) {
      const unsigned q = e / height, i = first + e % height;
      const W coefficient = static_cast<W>(transposed ? at(k, i) : at(i, k));
      w[q * n + i] = fma(-coefficient, w[q * n + k], w[q * n + i]);
    }
  }
};

template <class F, class T>
__global__ void __launch_bounds__(kThreads, 1) cholesky_kernel(const CholeskyArgs args) {
  const std::size_t b = blockIdx.x;
  const unsigned n = static_cast<unsigned>(args.n);
  const SmallSystem<T> system{n,
                              args.rhs,
                              static_cast<const T*>(args.a) + b * n * n,
                              args.damping,
                              static_cast<const T*>(args.v) + b * args.rhs * n,
                              static_cast<T*>(args.h) + b * args.rhs * n,
                              args.tolerance};
  const Factor<F> factor{reinterpret_cast<F*>(shared_memory()), n};
  unsigned char* behind = shared_memory() + (factor_elements(n) * sizeof(F) + 7) / 8 * 8;
  const RefinementSpace space(behind + kMostWarps * sizeof(double), n);
  double* partial = reinterpret_cast<double*>(behind);
  double frobenius = 0;
  Status status = factor.build(system.a, args.damping, partial, frobenius);
  Refined refined{1, 1, 0, false};
  if (status == Status::ok) {
    // The remainder is at size 1 in float32: with a float64 factor each pass still gains seven digits.
    refined = SmallRefinement<T>(system, space, partial).run([&](float* w, unsigned count) {
      factor.solve(w, count);
      block_barrier();
    });
    if (!(refined.whole < 1e300)) status = Status::non_finite;
  }
  if (status != Status::ok) {
    reject_small(system);
    refined = {1, 1, 0, false};
  } else if (!refined.reached) {
    status = Status::stagnated;
  }
  const double order = n, solves = refined.passes * 4 * order * order * static_cast<double>(args.rhs);
  write_certificate(args.certificates[b], status, 0, 0, refined, args.damping, frobenius,
                    order * order * order / 3 + solves);
}

template <class F, class T>
Status launch_cholesky(Session& session, const Solve& p, const CholeskyArgs& args) noexcept {
  return launch(session, "a batched Cholesky solve", cholesky_kernel<F, T>, {p.batch}, kThreads, shared_bytes<F>(p.n),
                args);
}

}  // namespace

std::size_t cholesky_small_order(const Session& session, bool single) noexcept {
  std::size_t n = 1;
  while (n < 256 && (single ? shared_bytes<float>(n + 1) : shared_bytes<double>(n + 1)) <= session.shared_bytes) ++n;
  return n;
}

Status cholesky_solve_small(Session* session, const Solve* problem) noexcept {
  const Solve& p = *problem;
  if (p.n > cholesky_small_order(*session, p.single)) {
    return session->fail(Status::device_failed, "matrices too large for shared memory");
  }
  if (p.batch == 0 || p.n == 0) return Status::ok;
  const CholeskyArgs args{p.n, p.rhs, p.a, p.damping, p.v, p.h, p.tolerance, p.certificates};
  if (p.type == Type::f32) return launch_cholesky<float, float>(*session, p, args);
  return p.single ? launch_cholesky<float, double>(*session, p, args)
                  : launch_cholesky<double, double>(*session, p, args);
}

}  // namespace gradsift::cuda
