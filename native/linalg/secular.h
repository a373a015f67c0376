#pragma once
// Roots of the secular equation of a rank-one update: the eigenvalues of diag(d) + rho z z'.

#include <cstddef>

namespace gradsift {

//   f(x) = 1 / rho + sum_j z_j^2 / (d_j - x),   rho > 0, d ascending with no two equal, no z_j zero
//
// Root i lies between d_i and d_{i+1}, the last one between d_{n-1} and d_{n-1} + rho z'z. It is found, and returned,
// as a distance from the nearer of the two: the differences d_j - x are then accurate to the last bits.
struct SecularEquation {
  std::size_t n = 0;
  const double* d = nullptr;
  const double* z = nullptr;
  double rho = 0;
};

struct SecularRoot {
  std::size_t origin = 0;  // x = d[origin] + offset
  double offset = 0;
  bool converged = false;
};

SecularRoot secular_root(const SecularEquation& equation, std::size_t i) noexcept;

}  // namespace gradsift
