#include "native/linalg/fma_peak.h"

#include "native/core/buffer.h"
#include "native/kernels/table.h"

namespace gradsift {

namespace {

template <class T>
Status run(const Execution& execution, double (*peak)(std::size_t, T*) noexcept, std::size_t iterations,
           double* flops) noexcept {
  Buffer<double> each(execution.threads);
  Buffer<T> sinks(execution.threads);
  if (!each || !sinks) return Status::out_of_memory;
  const bool done = execution.parallel(execution.threads, [&](std::size_t thread) {
    sinks[thread] = 0;
    each[thread] = peak(iterations, &sinks[thread]);
  });
  *flops = 0;
  for (std::size_t thread = 0; done && thread < execution.threads; ++thread) *flops += each[thread];
  return done ? Status::ok : Status::cancelled;
}

}  // namespace

Status fma_peak_f32(const Execution& execution, std::size_t iterations, double* flops) noexcept {
  return run(execution, kernels().fma_peak_f32, iterations, flops);
}

Status fma_peak_f64(const Execution& execution, std::size_t iterations, double* flops) noexcept {
  return run(execution, kernels().fma_peak_f64, iterations, flops);
}

}  // namespace gradsift
