#pragma once
// The scaled hyperpower iteration before any product is formed: its scalars, its steps, its cost.
//
// Start X_0 = 2/(a + b) I. The residual R_k = I - A X_k is re-centred as it is squared:
//   s_k = 2 / (2 - rho_k^2),  X_{k+1} = s_k (X_k + X_k R_k),  R_{k+1} = s_k R_k^2 + (1 - s_k) I,
//   rho_{k+1} = rho_k^2 / (2 - rho_k^2) = 1 / T_{2^{k+1}}(1 / rho_0),  rho_0 = (b - a) / (b + a):
// the best possible residual polynomial of degree 2^k, known in advance from the bounds a <= mu <= b.
//
// Order 3 takes the Chebyshev polynomial of degree 3 instead, three products a step where order 2 has two:
//   s_k = 4 / (4 - 3 rho_k^2),  X_{k+1} = X_k + s_k X_k (R_k + R_k^2),  R_{k+1} = s_k R_k^3 - (s_k - 1) R_k,
//   rho_{k+1} = rho_k^3 / (4 - 3 rho_k^2) = 1 / T_{3^{k+1}}(1 / rho_0).

#include <cstddef>

namespace gradsift {

// Doublings: 64 cover any ratio b / a of two doubles that differ by less than 2^120.
inline constexpr unsigned kMaxDoublings = 64;

struct HyperpowerScalars {
  unsigned order = 2;                  // 2 or 3
  double start = 0;                    // 2 / (a + b)
  double scale[kMaxDoublings] = {};    // s_k
  double rho[kMaxDoublings + 1] = {};  // bound of ||R_k||_2
};

// Carries delta = 1 - rho where rho is near 1: delta' = 2 delta (2 - delta) / (1 + 2 delta - delta^2), good to rounding
// at every ratio b / a, which the recursion in rho is not. Order 3: delta' = delta (3 - delta)^2 / (1 + 6 delta - 3
// delta^2).
HyperpowerScalars hyperpower_scalars(double a, double b, unsigned order = 2) noexcept;

// Steps after which rho <= target; kMaxDoublings when none does.
unsigned doublings_to(const HyperpowerScalars& scalars, double target) noexcept;

// The cheapest way to solve for `rhs` right-hand sides: `steps` factors (steps - 1 products of n^3 flops), then
// `passes` of X_K over the block (2 steps n^2 rhs flops each), each followed by a float64 residual. A further pass
// takes the error by rho_K plus the rounding of the factors, a further factor squares rho_K: few right-hand sides want
// fewer factors. Only factors with rho <= 1/4 are taken, so that each pass gains at least a digit or so.
struct SolvePlan {
  unsigned steps = 1;
  unsigned passes = 1;
  double rho = 0;
  double flops = 0;
};

// kappa: b / a. mixed: float32 factors, float64 residuals.
SolvePlan plan_hyperpower_solve(const HyperpowerScalars& scalars, std::size_t n, std::size_t rhs, double kappa,
                                double tolerance, bool mixed) noexcept;

}  // namespace gradsift
