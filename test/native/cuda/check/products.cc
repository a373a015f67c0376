// Products of every kind against float64 sums, within the bounds of their arithmetic.

#include <algorithm>

#include "test/native/cuda/check/under_test.h"

namespace gradsift::cuda::check {

namespace {

struct Case {
  std::size_t batch, m, n, k;
  bool a_along, b_along;  // depth contiguous
  bool lower = false;
  double alpha = 1, beta = 0, gamma = 0;
  std::size_t slack = 0;  // elements between rows; odd ones leave rows unaligned
  std::size_t shift = 0;  // bytes
};

struct Layout {
  std::size_t lines, depth, line_stride, depth_stride, batch_stride;
  std::size_t at(std::size_t b, std::size_t l, std::size_t p) const {
    return b * batch_stride + l * line_stride + p * depth_stride;
  }
};

Layout layout_of(bool along, std::size_t lines, std::size_t depth, std::size_t slack) {
  const std::size_t row = (along ? depth : lines) + slack, rows = along ? lines : depth;
  return {lines, depth, along ? row : 1, along ? 1 : row, rows * row + slack};
}

// Errors relative to the sum of |a b| behind an element, by origin.
double relative_bound(Math math, std::size_t k, bool f64_result) {
  constexpr double kF32 = 0x1p-24, kTruncation = 0x1p-23, kF64 = 0x1p-53;
  const double depth = static_cast<double>(k);
  if (math == Math::f64) return (depth + 3) * kF64;
  const double result = f64_result ? 0 : 3 * kF32;  // alpha, beta, gamma
  if (math == Math::half) {
    const double inside = 2 * std::min(depth / 16 + 1, 32.0) * kTruncation;  // a step may add in two halves
    return inside + (depth / 512 + 2) * kF32 + result;
  }
  const double operands = math == Math::tf32x3 ? 3 * 0x1p-22 : 2.01 * 0x1p-11;
  const double inside = 6 * kTruncation;  // two steps of three products between promotions
  return operands + inside + (depth / 16 + 2) * kF32 + result;
}

struct Problem {
  Case c;
  Layout la, lb;
  Numbers a, b;
  std::vector<double> before;

  Problem(const Case& cs, Type type, Type c_type, bool same)
      : c(cs),
        la(layout_of(c.a_along, c.m, c.k, c.slack)),
        lb(layout_of(c.b_along, c.n, c.k, c.slack)),
        a(type, c.batch * la.batch_stride),
        b(type, c.batch * lb.batch_stride),
        before(c.batch * c.m * (c.n + c.slack)) {
    a.fill_normal(1);
    b.fill_normal(2);
    if (same) {  // the same matrix on both sides: a product that is symmetric
      for (std::size_t i = 0; i < c.batch; ++i) {
        for (std::size_t l = 0; l < c.m; ++l) {
          for (std::size_t p = 0; p < c.k; ++p) b.set(lb.at(i, l, p), a.values[la.at(i, l, p)]);
        }
      }
    }
    Random random(3);
    for (double& x : before) x = c_type == Type::f32 ? static_cast<float>(random.normal()) : random.normal();
  }
};

Operand operand(const void* data, Type type, const Layout& l) {
  return {data, type, l.line_stride, l.depth_stride, l.batch_stride, 0, 0};
}

template <class T>
void compare(const Problem& x, Math math, const std::vector<T>& actual, const std::string& name) {
  const Case& c = x.c;
  const std::size_t stride = c.n + c.slack;
  const double bound = relative_bound(math, c.k, sizeof(T) == 8);
  double worst = 0;
  bool symmetric = true, margins = true;
  for (std::size_t i = 0; i < c.batch; ++i) {
    for (std::size_t r = 0; r < c.m; ++r) {
      for (std::size_t s = 0; s < c.n; ++s) {
        double sum = 0, size = 0;
        for (std::size_t p = 0; p < c.k; ++p) {
          const double term = x.a.values[x.la.at(i, r, p)] * x.b.values[x.lb.at(i, s, p)];
          sum += term;
          size += std::fabs(term);
        }
        const std::size_t at = (i * c.m + r) * stride + s, low = (i * c.m + std::max(r, s)) * stride + std::min(r, s);
        const double old = c.beta == 0 ? 0 : c.beta * x.before[c.lower ? low : at];
        const double exact = c.alpha * sum + old + (r == s ? c.gamma : 0);
        size = std::fabs(c.alpha) * size + std::fabs(old) + (r == s ? std::fabs(c.gamma) : 0);
        const double error = std::fabs(static_cast<double>(actual[at]) - exact);
        const double share = error == 0 ? 0 : error / (bound * size);
        if (!(share <= worst)) worst = share;
        if (c.lower && actual[at] != actual[(i * c.m + s) * stride + r]) symmetric = false;
      }
      for (std::size_t s = c.n; s < stride; ++s) {
        const std::size_t at = (i * c.m + r) * stride + s;
        if (c.beta != 0 && actual[at] != static_cast<T>(x.before[at])) margins = false;
      }
    }
  }
  expect(worst <= 1, name + ": error as a share of its bound", worst, c.m, c.n, c.k);
  expect(symmetric, name + ": exactly symmetric", c.m);
  expect(margins, name + ": writes between rows", c.m, c.n);
}

template <class T>
void run(const Case& c, Type type, Math math, const std::string& name) {
  const Type c_type = sizeof(T) == 8 ? Type::f64 : Type::f32;
  Problem x(c, type, c_type, c.lower);
  Memory a(x.a.bytes.size(), c.shift), b(x.b.bytes.size(), c.shift);
  Memory out(x.before.size() * sizeof(T));
  // Without beta the result is overwritten: NaN there must not survive.
  std::vector<T> result(x.before.size(), static_cast<T>(NAN));
  if (c.beta != 0) std::copy(x.before.begin(), x.before.end(), result.begin());
  out.put(result.data());
  Product p{};
  p.batch = c.batch;
  p.m = c.m;
  p.n = c.n;
  p.k = c.k;
  p.math = math;
  p.lower = c.lower;
  p.alpha = c.alpha;
  p.beta = c.beta;
  p.gamma = c.gamma;
  p.a = operand(on_device(a, x.a).data(), type, x.la);
  p.b = operand(on_device(b, x.b).data(), type, x.lb);
  p.c = out.data();
  p.c_type = c_type;
  p.c_stride = c.n + c.slack;
  p.c_batch_stride = c.m * p.c_stride;
  expect_ok(under_test.plugin->primitives->product(under_test.session, &p), name);
  finish(name);
  out.get(result.data());
  compare(x, math, result, name);
}

const Case kCases[] = {
    {1, 1, 1, 1, true, true},
    {1, 16, 8, 8, true, true},
    {1, 130, 70, 37, true, false},
    {1, 65, 131, 40, false, true, false, -0.5, 2, 0.25},
    {2, 40, 33, 72, false, false, false, 1, 0, 0, 3},
    {3, 20, 36, 0, true, true, false, 1, 0.5, 1},  // no depth: C = beta C + gamma I
    {1, 24, 24, 33, true, true, false, 1, 0, 0, 0, 8},
    {1, 140, 140, 64, true, true, true, 0.5, 0, -3},
    {2, 33, 33, 50, false, false, true, 1, 1, 0, 1},
    {0, 5, 5, 5, true, true},
    {1, 0, 7, 3, true, true},
};

}  // namespace

void check_products() {
  for (const Case& c : kCases) {
    const bool alike = c.a_along == c.b_along;
    run<float>(c, Type::f32, Math::tf32x3, "product tf32x3");
    run<float>(c, Type::f32, Math::tf32, "product tf32");
    run<float>(c, Type::bf16, Math::half, "product bf16");
    run<double>(c, Type::f16, Math::half, "product f16 to f64");
    run<double>(c, Type::f64, Math::f64, "product f64");
    if (alike) run<double>(c, Type::f32, Math::f64, "product f32 in f64");
    if (alike) run<double>(c, Type::bf16, Math::f64, "product bf16 in f64");
  }
  // Long sums: more depth than a promotion of 16-bit sums holds.
  run<float>({1, 17, 9, 1100, true, true}, Type::bf16, Math::half, "product bf16, deep");
  run<float>({1, 17, 9, 1100, true, true}, Type::f32, Math::tf32x3, "product tf32x3, deep");
}

}  // namespace gradsift::cuda::check
