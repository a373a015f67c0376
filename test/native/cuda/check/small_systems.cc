// Batches of small systems: what a certificate claims is recomputed here, and what has no solution must say so.

#include <algorithm>

#include "test/native/cuda/check/under_test.h"

namespace gradsift::cuda::check {

namespace {

// H diag(log-spaced from 1/kappa to 1) H with a random reflection H: symmetric, spectrum known.
std::vector<double> spd(std::size_t n, double kappa, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> u(n), a(n * n);
  double square = 0;
  for (double& x : u) {
    x = random.normal();
    square += x * x;
  }
  const auto eigenvalue = [&](std::size_t i) {
    return n == 1 ? 1 : std::pow(kappa, static_cast<double>(i) / static_cast<double>(n - 1) - 1);
  };
  const auto h = [&](std::size_t i, std::size_t j) { return (i == j ? 1 : 0) - 2 * u[i] * u[j] / square; };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k) sum += h(i, k) * eigenvalue(k) * h(k, j);
      a[i * n + j] = a[j * n + i] = sum;
    }
  }
  return a;
}

struct Batch {
  std::size_t batch, n, rhs;
  Numbers a, v;

  Batch(Type type, std::size_t b, std::size_t order, std::size_t sides, double kappa)
      : batch(b), n(order), rhs(sides), a(type, b * order * order), v(type, b * sides * order) {
    for (std::size_t i = 0; i < b; ++i) {
      const std::vector<double> one = spd(n, kappa, 10 + i);
      for (std::size_t j = 0; j < n * n; ++j) a.set(i * n * n + j, one[j]);
    }
    v.fill_normal(4);
  }
};

std::vector<double> doubles(Type type, const std::vector<unsigned char>& bytes) {
  std::vector<double> values(bytes.size() / bytes_of(type));
  for (std::size_t i = 0; i < values.size(); ++i) {
    float narrow;
    if (type == Type::f64) {
      std::memcpy(&values[i], bytes.data() + 8 * i, 8);
    } else {
      std::memcpy(&narrow, bytes.data() + 4 * i, 4);
      values[i] = narrow;
    }
  }
  return values;
}

using SolvePrimitive = Status (*)(Session*, const Solve*) noexcept;

struct Solved {
  std::vector<double> h;
  std::vector<Certificate> certificates;
};

Solved solve(SolvePrimitive primitive, const Batch& x, double damping, double tolerance, double low, double high,
             const std::string& name, bool single = true) {
  Solved result;
  result.certificates.resize(x.batch);
  Memory a(x.a.bytes.size()), v(x.v.bytes.size()), h(x.v.bytes.size()), c(x.batch * sizeof(Certificate));
  std::vector<unsigned char> bytes(x.v.bytes.size(), 0xff);
  h.put(bytes.data());
  Solve p{};
  p.batch = x.batch;
  p.n = x.n;
  p.rhs = x.rhs;
  p.type = x.a.type;
  p.a = on_device(a, x.a).data();
  p.damping = damping;
  p.lambda_min = low;
  p.lambda_max = high;
  p.v = on_device(v, x.v).data();
  p.h = h.data();
  p.tolerance = tolerance;
  p.single = single;
  p.certificates = static_cast<Certificate*>(c.data());
  expect_ok(primitive(under_test.session, &p), name);
  finish(name);
  h.get(bytes.data());
  c.get(result.certificates.data());
  result.h = doubles(x.a.type, bytes);
  return result;
}

double residual_of(const Batch& x, std::size_t b, double damping, const std::vector<double>& h) {
  double left = 0, whole = 0;
  for (std::size_t q = 0; q < x.rhs; ++q) {
    for (std::size_t i = 0; i < x.n; ++i) {
      const std::size_t row = (b * x.rhs + q) * x.n;
      double r = x.v.values[row + i] - damping * h[row + i];
      for (std::size_t k = 0; k < x.n; ++k) r -= x.a.values[(b * x.n + i) * x.n + k] * h[row + k];
      left += r * r;
      whole += x.v.values[row + i] * x.v.values[row + i];
    }
  }
  return whole == 0 ? 0 : std::sqrt(left / whole);
}

void expect_status(const Solved& s, std::size_t b, Status status, const std::string& name) {
  const auto actual = static_cast<Status>(s.certificates[b].status);
  expect(actual == status, name + ": " + kStatusNames[static_cast<int>(actual)], b);
}

// f64: factors of the type of A, where it is float64.
void solves(SolvePrimitive primitive, const std::string& name, bool f64 = false) {
  for (const Type type : {Type::f32, Type::f64}) {
    const double tolerance = type == Type::f32 ? 1e-5 : 1e-10;
    for (const std::size_t n : {1, 5, 32, 33, 64, 96, 100, 128}) {
      const Batch x(type, n == 5 ? 3 : 1, n, n == 33 ? 11 : 2, 1e3);
      const Solved s = solve(primitive, x, 0.001, tolerance, 0, 0, name, !f64);
      for (std::size_t b = 0; b < x.batch; ++b) {
        const Certificate& c = s.certificates[b];
        expect_status(s, b, Status::ok, name);
        const double residual = residual_of(x, b, 0.001, s.h);
        expect(residual <= tolerance, name + ": residual", residual, n);
        // Both are sums of n products in float64 of the same numbers.
        const double rounding = 8 * static_cast<double>(n) * 0x1p-53 * 4e3;
        expect(std::fabs(residual - c.residual) <= 1e-6 * residual + rounding, name + ": certificate", residual,
               c.residual, n);
        expect(c.lambda_max >= 1, name + ": upper bound", c.lambda_max);
      }
    }
  }
  const Solve nothing{};
  expect_ok(primitive(under_test.session, &nothing), name + ", nothing at all");
}

void outcomes(SolvePrimitive primitive, const std::string& name) {
  Batch x(Type::f32, 4, 20, 2, 10);
  x.a.set(3, NAN);
  for (std::size_t i = 0; i < 400; ++i) x.a.set(400 + i, -x.a.values[400 + i]);
  for (std::size_t i = 0; i < 40; ++i) x.v.set(80 + i, 0);
  const Solved s = solve(primitive, x, 0, 1e-5, 0, 0, name);
  expect_status(s, 0, Status::non_finite, name + ": NaN in A");
  expect_status(s, 1, Status::not_positive_definite, name + ": negative definite");
  expect_status(s, 2, Status::ok, name + ": V = 0");
  expect_status(s, 3, Status::ok, name + ": beside the others");
  bool zeros = true;
  for (std::size_t i = 0; i < 120; ++i) zeros = zeros && s.h[i] == 0;
  expect(zeros, name + ": H = 0 without a solution");
  expect(s.certificates[0].residual == 1 && s.certificates[2].residual == 0, name + ": residuals of H = 0");
  Batch y(Type::f32, 1, 20, 1, 10);
  y.v.set(7, INFINITY);
  expect_status(solve(primitive, y, 0.1, 1e-5, 0, 0, name), 0, Status::non_finite, name + ": infinity in V");
}

void wrong_bounds(SolvePrimitive primitive) {
  const std::string name = "hyperpower solve with wrong bounds";
  const Batch x(Type::f32, 1, 40, 1, 100);
  const Solved high = solve(primitive, x, 0, 1e-5, 0.009, 0.3, name);  // the largest eigenvalue is 1
  expect_status(high, 0, Status::ok, name + " above");
  expect(high.certificates[0].restarts == 1, name + ": one restart");
  const Solved unknown = solve(primitive, x, 0, 1e-5, 0, 0, name);
  expect_status(unknown, 0, Status::ok, name + ", nothing known");
}

void inverses() {
  const std::string name = "hyperpower inverse";
  for (const std::size_t n : {1, 31, 64, 90, 128}) {
    const Batch x(Type::f32, n == 31 ? 2 : 1, n, 1, 100);
    Memory a(x.a.bytes.size()), inverse(x.a.bytes.size()), c(x.batch * sizeof(Certificate));
    Inverse p{};
    p.batch = x.batch;
    p.n = n;
    p.type = Type::f32;
    p.a = on_device(a, x.a).data();
    p.damping = 0.01;
    p.x = inverse.data();
    p.tolerance = 1e-4;
    p.certificates = static_cast<Certificate*>(c.data());
    expect_ok(under_test.plugin->primitives->hyperpower_inverse_small(under_test.session, &p), name);
    finish(name);
    std::vector<float> actual(x.batch * n * n);
    std::vector<Certificate> certificates(x.batch);
    inverse.get(actual.data());
    c.get(certificates.data());
    for (std::size_t b = 0; b < x.batch; ++b) {
      double left = 0;
      bool symmetric = true;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          double sum = i == j ? 1 : 0;
          for (std::size_t k = 0; k < n; ++k) {
            const double entry = x.a.values[(b * n + i) * n + k] + (i == k ? 0.01 : 0);
            sum -= entry * static_cast<double>(actual[(b * n + k) * n + j]);
          }
          left += sum * sum;
          symmetric = symmetric && actual[(b * n + i) * n + j] == actual[(b * n + j) * n + i];
        }
      }
      const double residual = std::sqrt(left / static_cast<double>(n));
      expect(certificates[b].status == 0 && residual <= 1e-4, name + ": residual", residual, n);
      expect(std::fabs(residual - certificates[b].residual) <= 1e-6 * residual + 1e-10, name + ": certificate");
      expect(symmetric, name + ": exactly symmetric", n);
    }
  }
}

}  // namespace

void check_small_systems() {
  const Primitives& primitives = *under_test.plugin->primitives;
  solves(primitives.hyperpower_solve_small, "hyperpower solve");
  outcomes(primitives.hyperpower_solve_small, "hyperpower solve");
  wrong_bounds(primitives.hyperpower_solve_small);
  inverses();
  solves(primitives.cholesky_solve_small, "cholesky solve");
  outcomes(primitives.cholesky_solve_small, "cholesky solve");
  solves(primitives.hyperpower_solve_large, "large hyperpower solve");
  solves(primitives.hyperpower_solve_large, "large hyperpower solve in float64", true);
  outcomes(primitives.hyperpower_solve_large, "large hyperpower solve");
  wrong_bounds(primitives.hyperpower_solve_large);
}

}  // namespace gradsift::cuda::check
