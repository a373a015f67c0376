#pragma once
// What every solver says about one matrix, and how a batch of matrices is spread over threads.

#include <atomic>
#include <cstddef>
#include <limits>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// Everything refers to A + damping I, the matrix that is really inverted.
struct Certificate {
  Status status = Status::ok;
  unsigned steps = 0;        // iterations, or doublings of a hyperpower run; 0 for a direct solver
  unsigned refinements = 0;  // corrections by the float64 residual: conjugate gradient or Newton steps
  unsigned restarts = 0;     // runs thrown away: a bound of the spectrum was wrong, or float32 not enough
  double residual = std::numeric_limits<double>::quiet_NaN();  // ||V - A H||_F / ||V||_F or ||I - A X||_F / sqrt(n)
  double lambda_min = 0;  // lower bound of the spectrum that was used; 0 when nothing is known
  double lambda_max = 0;  // upper bound of the spectrum
  double flops = 0;
};

// No usable result: H = 0, whose residual is known. Keeps NaN and garbage out of whatever comes after.
template <class T>
void reject(Certificate& certificate, Status status, std::size_t count, T* h, bool zero_right_hand_side) noexcept {
  for (std::size_t i = 0; i < count; ++i) h[i] = 0;
  certificate.status = status;
  certificate.residual = zero_right_hand_side ? 0 : 1;
}

// Outcomes of one matrix, which its certificate tells; the others stop the whole call.
inline bool numerical(Status status) noexcept {
  return status != Status::ok && status != Status::cancelled && status != Status::out_of_memory;
}

// Runs solve(execution, b) for each matrix of a batch. Small matrices get one thread each, large ones all threads, one
// after the other: below this size a product is over before a second thread has its part.
inline constexpr std::size_t kOneThreadSize = 128;

template <class Solve>
Status for_each_matrix(const Execution& execution, std::size_t batch, std::size_t n, const Solve& solve) noexcept {
  Execution inner = execution;
  if (n <= kOneThreadSize) inner.threads = 1;
  if (batch == 1 || n > kOneThreadSize) {
    for (std::size_t b = 0; b < batch; ++b) {
      const Status status = solve(inner, b);
      if (status != Status::ok) return status;
    }
    return Status::ok;
  }
  std::atomic<bool> out_of_memory{false};
  const bool done = execution.parallel(batch, [&](std::size_t b) {
    if (solve(inner, b) == Status::out_of_memory) out_of_memory.store(true, std::memory_order_relaxed);
  });
  if (out_of_memory.load(std::memory_order_relaxed)) return Status::out_of_memory;
  return done ? Status::ok : Status::cancelled;
}

}  // namespace gradsift
