// Passes over rows against float64 sums.

#include "test/native/cuda/check/under_test.h"

namespace gradsift::cuda::check {

namespace {

constexpr double kF64 = 0x1p-53;

void dots(Type type, std::size_t count, std::size_t length, std::size_t queries, double alpha, double beta,
          bool with_norms) {
  const std::string name = "row dots";
  const std::size_t row = length + 1, stride = count + 2;
  Numbers x(type, count * row), h(Type::f64, queries * length), out(Type::f64, queries * stride);
  x.fill_normal(1);
  h.fill_normal(2);
  out.fill_normal(3);
  const std::vector<double> before = out.values;
  Memory dx(x.bytes.size()), dh(h.bytes.size()), dout(out.bytes.size()), dnorms(count * 8);
  on_device(dout, out);
  RowDots p{};
  p.x = on_device(dx, x).data();
  p.type = type;
  p.count = count;
  p.length = length;
  p.row_stride = row;
  p.h = static_cast<double*>(on_device(dh, h).data());
  p.queries = queries;
  p.alpha = alpha;
  p.beta = beta;
  p.out = static_cast<double*>(dout.data());
  p.out_stride = stride;
  p.norms = with_norms ? static_cast<double*>(dnorms.data()) : nullptr;
  expect_ok(under_test.plugin->primitives->row_dots(under_test.session, &p), name);
  finish(name);
  std::vector<double> actual(queries * stride), norms(count);
  dout.get(actual.data());
  if (with_norms) dnorms.get(norms.data());
  const double terms = static_cast<double>(length) + 3;
  bool right = true, margins = true, right_norms = true;
  for (std::size_t q = 0; q < queries; ++q) {
    for (std::size_t i = 0; i < stride; ++i) {
      const double old = before[q * stride + i];
      if (i >= count) {
        margins = margins && actual[q * stride + i] == old;
        continue;
      }
      double sum = 0, size = 0;
      for (std::size_t j = 0; j < length; ++j) {
        const double term = x.values[i * row + j] * h.values[q * length + j];
        sum += term;
        size += std::fabs(term);
      }
      const double error = std::fabs(actual[q * stride + i] - (alpha * sum + (beta == 0 ? 0 : beta * old)));
      right = right && error <= terms * kF64 * (2 * std::fabs(alpha) * size + std::fabs(beta * old));
    }
  }
  for (std::size_t i = 0; with_norms && i < count; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < length; ++j) sum += x.values[i * row + j] * x.values[i * row + j];
    right_norms = right_norms && std::fabs(norms[i] - sum) <= 2 * terms * kF64 * sum;
  }
  expect(right, name, static_cast<int>(type), count, length, queries);
  expect(margins, name + ": writes beyond its rows", count, queries);
  expect(right_norms, name + ": norms", count, length);
}

}  // namespace

void check_rows() {
  for (const Type type : {Type::f32, Type::f64, Type::bf16, Type::f16}) {
    dots(type, 1, 1, 1, 1, 0, false);
    dots(type, 37, 515, 3, -0.5, 2, true);
    dots(type, 70, 33, 9, 1, 0, true);
    dots(type, 5, 0, 2, 1, 0.5, true);
    dots(type, 33, 40, 0, 1, 0, true);
    dots(type, 0, 7, 2, 1, 0, false);
  }
}

}  // namespace gradsift::cuda::check
