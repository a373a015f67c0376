// Host memory in and out: the same results as the primitives', whatever the memory budget, and errors that free
// everything.

#include <algorithm>

#include "test/native/cuda/check/under_test.h"

namespace gradsift::cuda::check {

namespace {

const Routines& routines() { return *under_test.plugin->routines; }

std::vector<float> normals(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& x : values) x = static_cast<float>(random.normal());
  return values;
}

constexpr Watch kNobody{nullptr, nullptr, nullptr};
constexpr std::uint64_t kSmallBudget = 512 << 10;

// A batch of strided products with margins; A as [m][k], B as [k][n].
struct Batch {
  std::size_t batch = 5, m = 40, n = 33, k = 50, lda = 53, ldb = 34, ldc = 35;
  std::vector<float> a = normals(batch * m * lda, 1), b = normals(k * ldb, 2), c = normals(batch * (m * ldc + 7), 3);

  Product problem(float* out) const {
    Product p{};
    p.batch = batch;
    p.m = m;
    p.n = n;
    p.k = k;
    p.math = Math::tf32x3;
    p.alpha = 2;
    p.beta = -1;
    p.a = {a.data(), Type::f32, lda, 1, m * lda, 0, 0};
    p.b = {b.data(), Type::f32, 1, ldb, 0, 0, 0};  // one for all
    p.c = out;
    p.c_type = Type::f32;
    p.c_stride = ldc;
    p.c_batch_stride = m * ldc + 7;
    return p;
  }
};

void products() {
  const Batch x;
  std::vector<float> c = x.c;
  const Product p = x.problem(c.data());
  expect_ok(routines().product(under_test.session, &p, &kNobody), "product from host");
  bool right = true, margins = true;
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::size_t b = i / p.c_batch_stride, row = i % p.c_batch_stride / x.ldc,
                      column = i % p.c_batch_stride % x.ldc;
    if (row >= x.m || column >= x.n) {
      margins = margins && c[i] == x.c[i];
      continue;
    }
    double sum = 0, size = 0;
    for (std::size_t q = 0; q < x.k; ++q) {
      const double term =
          static_cast<double>(x.a[(b * x.m + row) * x.lda + q]) * static_cast<double>(x.b[q * x.ldb + column]);
      sum += term;
      size += std::fabs(term);
    }
    const double before = static_cast<double>(x.c[i]);
    right =
        right && std::fabs(static_cast<double>(c[i]) - (2 * sum - before)) <= 0x1p-19 * (2 * size + std::fabs(before));
  }
  expect(right, "product from host");
  expect(margins, "product from host: margins");
  std::vector<float> again = x.c;
  {
    const OtherSession small(40 << 10);  // two matrices at a time
    const Product q = x.problem(again.data());
    expect_ok(routines().product(under_test.session, &q, &kNobody), "product in parts");
  }
  expect(again == c, "product in parts: the same bits");
}

struct GramInput {
  std::size_t samples = 700, r = 8, d = 24;
  std::vector<float> rows = normals(samples * r * d, 7);

  Gram problem(double* out) const { return {rows.data(), Type::f32, Math::tf32x3, false, samples, r, d, 0.5, out}; }
};

void grams() {
  const GramInput x;
  std::vector<double> whole(x.d * x.d, 0.25), parts = whole;
  const Gram g = x.problem(whole.data());
  expect_ok(routines().gram(under_test.session, &g, &kNobody), "gram from host");
  {
    const OtherSession small(kSmallBudget * 8);  // one chunk of 512 samples is 393 kB
    const Gram q = x.problem(parts.data());
    expect_ok(routines().gram(under_test.session, &q, &kNobody), "gram in blocks");
  }
  expect(whole == parts, "gram in blocks: the same bits");
  double sum = 0.25;
  for (std::size_t i = 0; i < x.samples * x.r; ++i) {
    sum += 0.5 * static_cast<double>(x.rows[i * x.d + 3]) * static_cast<double>(x.rows[i * x.d + 20]);
  }
  expect(std::fabs(whole[3 * x.d + 20] - sum) < 1e-2, "gram from host", sum, whole[3 * x.d + 20]);
}

void dots() {
  const std::size_t count = 600, length = 100, queries = 5, stride = count + 1;
  const std::vector<float> x = normals(count * length, 1);
  std::vector<double> h(queries * length), out(queries * stride, 1), norms(count), again = out, none = norms;
  for (std::size_t i = 0; i < h.size(); ++i) h[i] = std::cos(static_cast<double>(i));
  RowDots p{x.data(), Type::f32, count, length, length, h.data(), queries, 1, 0.5, out.data(), stride, norms.data()};
  expect_ok(routines().row_dots(under_test.session, &p, &kNobody), "row dots from host");
  {
    const OtherSession small(kSmallBudget);
    p.out = again.data();
    p.norms = none.data();
    expect_ok(routines().row_dots(under_test.session, &p, &kNobody), "row dots in blocks");
  }
  expect(out == again && norms == none, "row dots in blocks: the same bits");
  double sum = 0.5;
  for (std::size_t j = 0; j < length; ++j) sum += static_cast<double>(x[599 * length + j]) * h[4 * length + j];
  expect(std::fabs(out[4 * stride + 599] - sum) < 1e-11, "row dots from host", sum, out[4 * stride + 599]);
  expect(out[4 * stride + 600] == 1, "row dots from host: margins");
}

void assigns() {
  const std::size_t count = 500, length = 40, centroids = 7;
  const std::vector<float> x = normals(count * length, 1), c = normals(centroids * length, 2);
  std::vector<std::int32_t> nearest(count, -1), again(count, -1);
  std::vector<double> distance(count), distances(count);
  Assign p{count, length, centroids, x.data(), c.data(), nearest.data(), distance.data()};
  expect_ok(routines().assign(under_test.session, &p, &kNobody), "assign from host");
  {
    const OtherSession small(kSmallBudget);
    p.nearest = again.data();
    p.distance = distances.data();
    expect_ok(routines().assign(under_test.session, &p, &kNobody), "assign in blocks");
  }
  expect(nearest == again && distance == distances, "assign in blocks: the same bits");
  expect(std::all_of(nearest.begin(), nearest.end(), [](std::int32_t k) { return k >= 0 && k < 7; }),
         "assign from host");
}

struct System {
  std::size_t batch = 4, n = 20, rhs = 3;
  std::vector<float> a = std::vector<float>(batch * n * n), v = normals(batch * rhs * n, 3);

  System() {
    for (std::size_t b = 0; b < batch; ++b) {
      for (std::size_t i = 0; i < n; ++i) a[(b * n + i) * n + i] = static_cast<float>(1 + i + b);
    }
  }
  Solve problem(float* h, Certificate* certificates) const {
    return {batch, n, rhs, Type::f32, a.data(), 0, 0, 0, v.data(), h, 1e-5, true, certificates};
  }
};

using SolveRoutine = Status (*)(Session*, const Solve*, const Watch*) noexcept;

void solves(SolveRoutine routine, const std::string& name) {
  const System x;
  std::vector<float> h(x.v.size(), NAN);
  std::vector<Certificate> certificates(x.batch);
  const Solve p = x.problem(h.data(), certificates.data());
  expect_ok(routine(under_test.session, &p, &kNobody), name);
  bool right = true;
  for (std::size_t i = 0; i < h.size(); ++i) {
    const double exact = static_cast<double>(x.v[i]) / static_cast<double>(1 + i % x.n + i / (x.rhs * x.n));
    right = right && std::fabs(static_cast<double>(h[i]) - exact) <= 1e-4 * (1 + std::fabs(exact));
  }
  expect(right, name + ": solution of a diagonal matrix");
  std::vector<float> inverse(x.a.size(), NAN);
  const Inverse q{x.batch, x.n, Type::f32, x.a.data(), 0, 0, 0, inverse.data(), 1e-4, certificates.data()};
  expect_ok(routines().hyperpower_inverse(under_test.session, &q, &kNobody), "inverse from host");
  expect(std::fabs(inverse[x.n + 1] - 0.5f) < 1e-4f && inverse[1] == 0, "inverse from host");
}

// Calls every routine once; `outcome` is what each must answer.
void expect_all(Status wanted, const Watch& watch, const std::string& name) {
  const auto same = [&](Status actual, const char* what) {
    expect(actual == wanted, name + ": " + what + ": " + kStatusNames[static_cast<int>(actual)]);
    const bool words = under_test.plugin->error(under_test.session)[0] != 0;
    expect(words || wanted == Status::cancelled, name + ": " + what + ": no words");
  };
  const Batch batch;
  std::vector<float> c = batch.c;
  const Product product = batch.problem(c.data());
  same(routines().product(under_test.session, &product, &watch), "product");
  const GramInput input;
  std::vector<double> out(input.d * input.d);
  const Gram gram = input.problem(out.data());
  same(routines().gram(under_test.session, &gram, &watch), "gram");
  const System system;
  std::vector<float> h(system.v.size());
  std::vector<Certificate> certificates(system.batch);
  const Solve solve = system.problem(h.data(), certificates.data());
  same(routines().hyperpower_solve(under_test.session, &solve, &watch), "hyperpower solve");
  same(routines().cholesky_solve(under_test.session, &solve, &watch), "cholesky solve");
  std::vector<double> query(input.d), dots(100);
  const RowDots rows{input.rows.data(), Type::f32, 100,    input.d, input.d, query.data(), 1, 1, 0,
                     dots.data(),       100,       nullptr};
  same(routines().row_dots(under_test.session, &rows, &watch), "row dots");
  std::vector<std::int32_t> nearest(100);
  const Assign assign{100, input.d, 2, input.rows.data(), input.rows.data(), nearest.data(), dots.data()};
  same(routines().assign(under_test.session, &assign, &watch), "assign");
}

}  // namespace

void check_routines() {
  products();
  grams();
  dots();
  assigns();
  solves(routines().hyperpower_solve, "hyperpower solve from host");
  solves(routines().cholesky_solve, "cholesky solve from host");
}

void check_failures() {
  const Watch impatient{[](void*) noexcept { return true; }, nullptr, nullptr};
  expect_all(Status::cancelled, impatient, "cancelled");
  {
    const OtherSession tiny(64);
    expect_all(Status::out_of_memory, kNobody, "out of memory");
  }
  check_routines();  // and the session is as good as before
}

void check_lost_device() { expect_all(Status::device_failed, kNobody, "lost"); }

}  // namespace gradsift::cuda::check
