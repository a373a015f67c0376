// Nearest centroids against float64 distances.

#include "test/native/cuda/check/under_test.h"

namespace gradsift::cuda::check {

namespace {

void run(std::size_t count, std::size_t length, std::size_t centroids) {
  const std::string name = "assign";
  Numbers x(Type::f32, count * length), c(Type::f32, centroids * length);
  x.fill_normal(1);
  c.fill_normal(2);
  for (std::size_t j = 0; centroids > 4 && j < length; ++j) c.set(4 * length + j, c.values[2 * length + j]);  // twins
  Memory dx(x.bytes.size()), dc(c.bytes.size()), dnearest(count * 4), ddistance(count * 8);
  Assign p{};
  p.count = count;
  p.length = length;
  p.centroids = centroids;
  p.x = static_cast<const float*>(on_device(dx, x).data());
  p.c = static_cast<const float*>(on_device(dc, c).data());
  p.nearest = static_cast<std::int32_t*>(dnearest.data());
  p.distance = static_cast<double*>(ddistance.data());
  expect_ok(under_test.plugin->primitives->assign(under_test.session, &p), name);
  finish(name);
  std::vector<std::int32_t> nearest(count);
  std::vector<double> distance(count);
  dnearest.get(nearest.data());
  ddistance.get(distance.data());
  bool right = true, exact = true;
  for (std::size_t i = 0; i < count; ++i) {
    const auto square = [&](std::size_t k) {
      double sum = 0;
      for (std::size_t j = 0; j < length; ++j) {
        const double difference = x.values[i * length + j] - c.values[k * length + j];
        sum += difference * difference;
      }
      return sum;
    };
    double least = INFINITY, size = 1;
    for (std::size_t k = 0; k < centroids; ++k) least = std::fmin(least, square(k));
    for (std::size_t j = 0; j < length; ++j) size += 10 * std::fabs(x.values[i * length + j]);
    const auto k = static_cast<std::size_t>(nearest[i]);
    // What the products of float32 cannot tell apart may be taken for the nearest.
    const double rounding = static_cast<double>(length + 8) * 0x1p-22 * size;
    right = right && k < centroids && k != 4 && square(k) <= least + rounding;
    exact = exact && std::fabs(distance[i] - square(k)) <= static_cast<double>(length + 2) * 0x1p-52 * square(k);
  }
  expect(right, name + ": the nearest, the first of equals", count, length, centroids);
  expect(exact, name + ": distances", count, length, centroids);
}

}  // namespace

void check_assign() {
  run(1, 1, 1);
  run(37, 20, 3);
  run(130, 33, 70);
  run(0, 4, 4);
}

}  // namespace gradsift::cuda::check
