#pragma once
// The scalars of the scaled hyperpower iteration (native/linalg/hyperpower_plan.h has the derivation), one step after
// the other, on the device too: a block that finds the bounds of its matrix needs them at once.

#include <cuda_runtime.h>

namespace gradsift::cuda {

// Doublings: 40 reach rho = 1e-16 up to a ratio of 1e20 of the bounds, beyond what float32 factors can use.
inline constexpr unsigned kMostDoublings = 40;

struct ScaledIteration {
  double start;  // 2 / (a + b)
  double rho;    // bound of ||R_k||_2
  double delta;  // 1 - rho, to all digits

  __host__ __device__ ScaledIteration(double a, double b)
      : start(2 / (a + b)), rho((b - a) / (b + a)), delta(2 * a / (a + b)) {}

  // s_k; moves on to k + 1.
  __host__ __device__ double next() {
    if (rho == 0) return 1;
    const double divisor = 1 + 2 * delta - delta * delta;  // 2 - rho^2
    const double below = 2 * delta * (2 - delta) / divisor;
    rho = rho > 0.5 ? 1 - below : rho * rho / (2 - rho * rho);
    delta = rho > 0.5 ? below : 1 - rho;
    return 2 / divisor;
  }
};

// How far rounding may carry ||R_k||_F / sqrt(n) above rho_k, as check_residual() of native/linalg: a rounding of R_k
// grows by up to 4 in each further step, until the spectrum is resolved. roundoff: of the products.
__host__ __device__ inline double residual_slack(unsigned k, double kappa, double order, double roundoff) {
  double growth = 1;
  for (unsigned i = 0; i < k && growth < kappa; ++i) growth *= 4;
  return 8 * roundoff * ((growth < kappa ? growth : kappa) + sqrt(order));
}

// Representation and truncation of a product of two TF32 pairs.
inline constexpr double kTf32x3Roundoff = 0x1p-22;

}  // namespace gradsift::cuda
