#include "native/linalg/hyperpower_plan.h"

#include <algorithm>
#include <cmath>

namespace gradsift {

HyperpowerScalars hyperpower_scalars(double a, double b, unsigned order) noexcept {
  HyperpowerScalars scalars;
  scalars.order = order;
  scalars.start = 2 / (a + b);
  double delta = 2 * a / (a + b);
  double rho = (b - a) / (b + a);
  for (unsigned k = 0; k < kMaxDoublings; ++k) {
    if (rho == 0) {  // and so it stays
      std::fill(scalars.scale + k, scalars.scale + kMaxDoublings, 1.0);
      break;
    }
    scalars.rho[k] = rho;
    // Near 1, rho is what delta leaves; near 0, its own recursion keeps the digits.
    if (order == 2) {
      const double divisor = 1 + 2 * delta - delta * delta;  // 2 - rho^2
      scalars.scale[k] = 2 / divisor;
      delta = 2 * delta * (2 - delta) / divisor;
      rho = rho > 0.5 ? 1 - delta : rho * rho / (2 - rho * rho);
    } else {
      const double divisor = 1 + 6 * delta - 3 * delta * delta;  // 4 - 3 rho^2
      scalars.scale[k] = 4 / divisor;
      delta = delta * (3 - delta) * (3 - delta) / divisor;
      rho = rho > 0.5 ? 1 - delta : rho * rho * rho / (4 - 3 * rho * rho);
    }
    if (rho <= 0.5) delta = 1 - rho;
  }
  scalars.rho[kMaxDoublings] = rho;
  return scalars;
}

unsigned doublings_to(const HyperpowerScalars& scalars, double target) noexcept {
  for (unsigned k = 1; k < kMaxDoublings; ++k) {
    if (scalars.rho[k] <= target) return k;
  }
  return kMaxDoublings;
}

SolvePlan plan_hyperpower_solve(const HyperpowerScalars& scalars, std::size_t n, std::size_t rhs, double kappa,
                                double tolerance, bool mixed) noexcept {
  constexpr double kLoosest = 0.25;
  constexpr double kMostPasses = 50;
  const double roundoff = mixed ? 0x1p-24 : 0x1p-53;
  const double weight = mixed ? 2 : 1;  // of a float64 flop among flops of the factors' type: half as many a register
  const double order = static_cast<double>(n), block = 2 * order * order * static_cast<double>(rhs);
  const double target = std::clamp(tolerance, 1e-16, 0.5);
  SolvePlan best;
  for (unsigned steps = doublings_to(scalars, kLoosest); steps <= kMaxDoublings; ++steps) {
    const double rho = scalars.rho[steps];
    // Conjugate gradients on eigenvalues in [1 - rho, 1 + rho] gain this much a step, about rho / 2.
    const double gain = std::min(0.5, rho / (1 + std::sqrt(1 - rho * rho)) + kappa * roundoff);
    const double passes = std::clamp(std::ceil(std::log(target) / std::log(gain)), 1.0, kMostPasses);
    const double flops = (steps - 1) * order * order * (order + 1) + passes * block * (steps + weight);
    if (best.flops != 0 && flops >= best.flops) break;  // the cost falls, then rises
    best = {steps, static_cast<unsigned>(passes), rho, flops};
  }
  return best;
}

}  // namespace gradsift
