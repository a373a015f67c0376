#include "native/cuda/hyperpower_small.h"

#include <algorithm>

#include "native/cuda/hyperpower_block.cuh"
#include "native/cuda/small_refinement.cuh"

namespace gradsift::cuda {

namespace {

// A pass of X over the right-hand sides gains this factor, where rounding lets it: a further doubling would cost more
// than the passes that it saves.
constexpr double kSolveTarget = 0x1p-10;
constexpr double kInverseTarget = 0x1p-24;
constexpr unsigned kMostRestarts = 10;  // for a; each takes it down by 64

struct SolveArgs {
  std::size_t n, rhs;
  const void* a;
  double damping, lambda_min, lambda_max;
  const void* v;
  void* h;
  double tolerance;
  Certificate* certificates;
};

struct InverseArgs {
  std::size_t n;
  const float* a;
  double damping, lambda_min, lambda_max;
  float* x;
  double tolerance;
  Certificate* certificates;
};

// Shared memory: X, then R, whose place the refinement takes over, then the scratch.
template <unsigned kOrder>
struct SmallLayout {
  static constexpr std::size_t kMatrix = SmallConfig<kOrder>::Tile::kElements * sizeof(float);
  static constexpr std::size_t kSecond = std::max(kMatrix, RefinementSpace::bytes(kOrder));
  static constexpr std::size_t kBytes = kMatrix + kSecond + sizeof(SmallScratch);

  __device__ static float* inverse() { return reinterpret_cast<float*>(shared_memory()); }
  __device__ static unsigned char* second() { return shared_memory() + kMatrix; }
  __device__ static SmallScratch& scratch() {
    return *reinterpret_cast<SmallScratch*>(shared_memory() + kMatrix + kSecond);
  }
};

// Of the bounds, of `products` triangular products, and of `passes` over n vectors, with their residuals.
__device__ double flops_of(unsigned n, unsigned products, double passes) {
  const double order = n;
  return 4 * order * order + products * order * order * (order + 1) + passes * 4 * order * order;
}

// The block's matrix. Made anew where it is needed: the products in between want every register.
template <class T>
__device__ SmallSystem<T> system_of(const SolveArgs& args) {
  const std::size_t b = blockIdx.x, n = args.n;
  return {static_cast<unsigned>(n),
          args.rhs,
          static_cast<const T*>(args.a) + b * n * n,
          args.damping,
          static_cast<const T*>(args.v) + b * args.rhs * n,
          static_cast<T*>(args.h) + b * args.rhs * n,
          args.tolerance};
}

template <unsigned kOrder, class T>
__global__ void __launch_bounds__(SmallConfig<kOrder>::kThreads, 1) solve_kernel(const SolveArgs args) {
  using Layout = SmallLayout<kOrder>;
  const unsigned n = static_cast<unsigned>(args.n);
  SmallScratch& scratch = Layout::scratch();
  HyperpowerBlock<kOrder, T> block(n, system_of<T>(args).a, args.damping, Layout::inverse(),
                                   reinterpret_cast<float*>(Layout::second()), scratch);
  Status status = block.find_bounds(args.lambda_min, args.lambda_max);
  Refined refined;
  while (status == Status::ok) {
    const SmallGuard guard = block.run(kSolveTarget);
    refined = {};
    if (guard == SmallGuard::fits) {
      const RefinementSpace space(Layout::second(), n);
      const SmallSystem<T> system = system_of<T>(args);
      refined = SmallRefinement<T>(system, space, scratch.partial).run([&](float* w, unsigned count) {
        block.apply(w, count);
      });
      // Not reached with an a that nobody vouches for: it may have been too large.
      if (refined.reached || !scratch.bounds.guessed || !(refined.whole < 1e300)) break;
    }
    if (block.restarts() == kMostRestarts || !block.widen(guard == SmallGuard::grew)) {
      if (guard != SmallGuard::fits) status = Status::not_positive_definite;
      break;
    }
  }
  if (status == Status::ok && !(refined.whole < 1e300)) status = Status::non_finite;
  if (status != Status::ok) {
    reject_small(system_of<T>(args));
    refined = {1, 1, 0, false};
  } else if (!refined.reached) {
    status = Status::stagnated;
  }
  const bool ran = status == Status::ok || status == Status::stagnated;
  write_certificate(args.certificates[blockIdx.x], status, ran ? block.steps() : 0, block.restarts(), refined,
                    scratch.bounds.a, scratch.bounds.b,
                    flops_of(n, block.products(), refined.passes * static_cast<double>(args.rhs)));
}

template <unsigned kOrder>
__global__ void __launch_bounds__(SmallConfig<kOrder>::kThreads, 1) inverse_kernel(const InverseArgs args) {
  using Layout = SmallLayout<kOrder>;
  using Tile = typename SmallConfig<kOrder>::Tile;
  const unsigned n = static_cast<unsigned>(args.n);
  HyperpowerBlock<kOrder, float> block(n, args.a + std::size_t{blockIdx.x} * n * n, args.damping, Layout::inverse(),
                                       reinterpret_cast<float*>(Layout::second()), Layout::scratch());
  Status status = block.find_bounds(args.lambda_min, args.lambda_max);
  Refined refined{1, 1, 0, false};
  while (status == Status::ok) {
    SmallGuard guard = block.run(kInverseTarget);
    refined = {1, 1, 0, false};
    if (guard == SmallGuard::fits) {
      const double left = block.inverse_remainder();
      refined = {left, static_cast<double>(n), 0, left <= args.tolerance * args.tolerance * n};
      // 1/2 or more: an eigenvalue that the guard could not see among the others.
      if (left < 0.25) break;
      guard = left <= 1.02 * n ? SmallGuard::stuck : SmallGuard::grew;
    }
    if (block.restarts() == kMostRestarts || !block.widen(guard == SmallGuard::grew)) {
      status = Status::not_positive_definite;
      break;
    }
  }
  const bool usable = status == Status::ok;
  float* x = args.x + std::size_t{blockIdx.x} * n * n;
  for (unsigned at = threadIdx.x; at < n * n; at += SmallConfig<kOrder>::kThreads) {
    x[at] = usable ? Layout::inverse()[Tile::offset({at / n, at % n})] : 0;
  }
  if (!usable) refined = {1, 1, 0, false};
  if (usable && !refined.reached) status = Status::stagnated;
  const SmallBounds& bounds = Layout::scratch().bounds;
  write_certificate(args.certificates[blockIdx.x], status, usable ? block.steps() : 0, block.restarts(), refined,
                    bounds.a, bounds.b, flops_of(n, block.products(), n));
}

template <unsigned kOrder>
bool fits(const Session& session) noexcept {
  return SmallLayout<kOrder>::kBytes <= session.shared_bytes;
}

template <unsigned kOrder>
Status launch_solve(Session& session, const Solve& p, const SolveArgs& args) noexcept {
  const auto kernel = p.type == Type::f64 ? solve_kernel<kOrder, double> : solve_kernel<kOrder, float>;
  return launch(session, "a batched hyperpower solve", kernel, {p.batch}, SmallConfig<kOrder>::kThreads,
                SmallLayout<kOrder>::kBytes, args);
}

template <unsigned kOrder>
Status launch_inverse(Session& session, const Inverse& p, const InverseArgs& args) noexcept {
  return launch(session, "a batched hyperpower inverse", inverse_kernel<kOrder>, {p.batch},
                SmallConfig<kOrder>::kThreads, SmallLayout<kOrder>::kBytes, args);
}

}  // namespace

std::size_t small_order(Session* session) noexcept {
  return fits<128>(*session) ? 128 : fits<96>(*session) ? 96 : fits<64>(*session) ? 64 : 32;
}

Status hyperpower_solve_small(Session* session, const Solve* problem) noexcept {
  const Solve& p = *problem;
  if (p.n > small_order(session)) return session->fail(Status::device_failed, "matrices too large for shared memory");
  if (p.batch == 0 || p.n == 0) return Status::ok;
  const SolveArgs args{p.n, p.rhs, p.a, p.damping, p.lambda_min, p.lambda_max, p.v, p.h, p.tolerance, p.certificates};
  if (p.n <= 32) return launch_solve<32>(*session, p, args);
  if (p.n <= 64) return launch_solve<64>(*session, p, args);
  if (p.n <= 96) return launch_solve<96>(*session, p, args);
  return launch_solve<128>(*session, p, args);
}

Status hyperpower_inverse_small(Session* session, const Inverse* problem) noexcept {
  const Inverse& p = *problem;
  if (p.type != Type::f32) return session->fail(Status::device_failed, "small inverses are of float32");
  if (p.n > small_order(session)) return session->fail(Status::device_failed, "matrices too large for shared memory");
  if (p.batch == 0 || p.n == 0) return Status::ok;
  const InverseArgs args{p.n,          static_cast<const float*>(p.a), p.damping,   p.lambda_min,
                         p.lambda_max, static_cast<float*>(p.x),       p.tolerance, p.certificates};
  if (p.n <= 32) return launch_inverse<32>(*session, p, args);
  if (p.n <= 64) return launch_inverse<64>(*session, p, args);
  if (p.n <= 96) return launch_inverse<96>(*session, p, args);
  return launch_inverse<128>(*session, p, args);
}

}  // namespace gradsift::cuda
