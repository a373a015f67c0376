#pragma once
// The interval [a, b] that a scaled hyperpower run takes the spectrum to lie in, and what to do when it does not.

#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

struct HyperpowerInterval {
  double a = 0, b = 0;
  double certain = 0;   // b can never need to be larger
  double roundoff = 0;  // of the products; below order * roundoff * b an eigenvalue cannot be told from 0
  double order = 0;
  double flops = 0;      // spent on finding it
  bool guessed = false;  // a is an estimate

  // Finds the interval for A + damping I. lambda_min, lambda_max: the caller's bounds, 0 when unknown. Without
  // lambda_min, a is the damping (A being positive semidefinite), and without that an estimate by Lanczos, which the
  // guard corrects. not_positive_definite when a Ritz value is not positive, non_finite when an entry is not.
  template <class T>
  Status find(const Execution& execution, std::size_t n, const T* matrix, double damping, double lambda_min,
              double lambda_max) noexcept;

  // The residual outgrew rho: an eigenvalue lies outside. grew: the residual is above 1 (b was too small, or the
  // eigenvalue is negative), otherwise it is stuck below 1 (a was too large). not_positive_definite when no interval is
  // left to try: at most one restart for b and about ten for a.
  Status widen(bool grew) noexcept;
};

}  // namespace gradsift
