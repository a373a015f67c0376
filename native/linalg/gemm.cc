#include "native/linalg/gemm.h"
namespace gradsift {
namespace {
template <class T>
Status naive(const Execution& execution, const Gemm<T>& g) noexcept {
  const bool done = execution.parallel(g.batch * g.m, [&](std::size_t tile) {
    const std::size_t b = tile / g.m, i = tile % g.m;
    for (std::size_t j = 0; j < g.n; ++j) {
      T sum = 0;
      for (std::size_t l = 0; l < g.k; ++l)
        sum += g.a.data[b * g.a.batch_stride + i * g.a.row_stride + l * g.a.column_stride] *
               g.b.data[b * g.b.batch_stride + l * g.b.row_stride + j * g.b.column_stride];
      T& c = g.c.data[b * g.c.batch_stride + i * g.c.row_stride + j];
      c = g.alpha * sum + (g.beta == 0 ? T(0) : g.beta * c);
    }
  });
  return done ? Status::ok : Status::cancelled;
}
}  // namespace
Status gemm(const Execution& e, const Gemm<float>& g) noexcept { return naive(e, g); }
Status gemm(const Execution& e, const Gemm<double>& g) noexcept { return naive(e, g); }
}  // namespace gradsift
