#pragma once
// The steps of a hyperpower solve that a whole batch takes together.

#include "native/cuda/scaled_iteration.h"

namespace gradsift::cuda {

// A further doubling costs about what a pass over a few dozen right-hand sides does, and saves half the passes.
inline constexpr double kBatchTarget = 0x1p-8;

// One ratio b / a for the whole batch, so that all its matrices take the same steps: each keeps its own b.
struct BatchPlan {
  double ratio = 1;
  unsigned steps = 1;
  double scale[kMostDoublings] = {}, rho[kMostDoublings + 1] = {};

  explicit BatchPlan(double kappa) noexcept : ratio(kappa), steps(0) {
    ScaledIteration iteration(1, kappa);
    rho[0] = iteration.rho;
    do {
      scale[steps] = iteration.next();
      rho[++steps] = iteration.rho;
    } while (steps < kMostDoublings && iteration.rho > kBatchTarget);
  }
};

}  // namespace gradsift::cuda
