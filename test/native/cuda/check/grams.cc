// GFIM blocks against float64 sums.

#include <algorithm>

#include "test/native/cuda/check/under_test.h"

namespace gradsift::cuda::check {

namespace {

struct Shape {
  std::size_t samples, r, d;
  bool transpose;
};

double bound_of(Math math, std::size_t terms) {
  const double depth = static_cast<double>(terms), chunk = std::min(depth, 4096.0);
  if (math == Math::f64) return (depth + 4) * 0x1p-53;
  const double operands = math == Math::half ? 0 : 3 * 0x1p-22;
  const double inside = math == Math::half ? 2 * std::min(depth / 16 + 1, 32.0) * 0x1p-23 : 6 * 0x1p-23;
  const double added = (math == Math::half ? chunk / 512 : chunk / 16) + 2;
  return operands + inside + added * 0x1p-24;
}

void run(const Shape& s, Type type, Math math, const std::string& name) {
  const std::size_t n = s.transpose ? s.r : s.d;
  const double scale = 0.125;
  Numbers rows(type, s.samples * s.r * s.d), out(Type::f64, n * n);
  rows.fill_normal(5);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const double value = std::sin(static_cast<double>(i * n + j));
      out.set(i * n + j, value);
      out.set(j * n + i, value);
    }
  }
  Memory drows(rows.bytes.size()), dout(out.bytes.size());
  Gram g{};
  g.rows = on_device(drows, rows).data();
  g.type = type;
  g.math = math;
  g.transpose_samples = s.transpose;
  g.samples = s.samples;
  g.r = s.r;
  g.d = s.d;
  g.scale = scale;
  g.out = static_cast<double*>(on_device(dout, out).data());
  expect_ok(under_test.plugin->primitives->gram(under_test.session, &g), name);
  finish(name);
  std::vector<double> actual(n * n);
  dout.get(actual.data());
  const double bound = bound_of(math, s.samples * (s.transpose ? s.d : s.r));
  double worst = 0;
  bool symmetric = true;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0, size = 0;
      for (std::size_t x = 0; x < s.samples; ++x) {
        const double* g0 = rows.values.data() + x * s.r * s.d;
        for (std::size_t p = 0; p < (s.transpose ? s.d : s.r); ++p) {
          const double term = s.transpose ? g0[i * s.d + p] * g0[j * s.d + p] : g0[p * s.d + i] * g0[p * s.d + j];
          sum += term;
          size += std::fabs(term);
        }
      }
      const double old = out.values[i * n + j];
      const double error = std::fabs(actual[i * n + j] - (old + scale * sum));
      const double allowed = bound * scale * size + 8 * 0x1p-53 * (std::fabs(old) + scale * size);
      if (!(error / allowed <= worst)) worst = error / allowed;
      symmetric = symmetric && actual[i * n + j] == actual[j * n + i];
    }
  }
  expect(worst <= 1, name + ": error as a share of its bound", worst, s.samples, s.r, s.d, s.transpose);
  expect(symmetric, name + ": exactly symmetric", n);
}

}  // namespace

void check_grams() {
  const Shape shapes[] = {{3, 4, 20, false}, {3, 5, 19, true}, {40, 8, 33, false}, {9, 24, 40, true}, {1, 1, 1, false}};
  for (const Shape& s : shapes) {
    run(s, Type::bf16, Math::half, "gram bf16");
    run(s, Type::f16, Math::half, "gram f16");
    run(s, Type::f32, Math::tf32x3, "gram f32");
    run(s, Type::f32, Math::f64, "gram f32 in f64");
    run(s, Type::f64, Math::f64, "gram f64");
    run(s, Type::f16, Math::f64, "gram f16 in f64");
  }
  // More than one chunk of 4096 terms, the last one short.
  run({2100, 4, 8, false}, Type::bf16, Math::half, "gram bf16, three chunks");
  run({3, 2, 3000, true}, Type::f32, Math::tf32x3, "gram f32, rows, a chunk a sample");
}

}  // namespace gradsift::cuda::check
