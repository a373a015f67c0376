#include "native/cuda/assign.h"

#include <algorithm>

#include "native/cuda/block_sums.cuh"
#include "native/cuda/instructions.h"
#include "native/cuda/product.h"
#include "native/cuda/row_dots.h"
#include "native/cuda/tiles.h"

namespace gradsift::cuda {

namespace {

constexpr unsigned kWarps = 8;
// Products kept at a time: 64 MiB, which stays in the L2 cache where that is large.
constexpr std::size_t kProducts = std::size_t{16} << 20;

struct NearestArgs {
  std::size_t count, length, centroids;
  const float* x;
  const float* c;
  const float* products;  // [count][centroids]
  const double* norms;    // of the centroids
  std::int32_t* nearest;
  double* distance;
};

// A warp a row. ||x - c||^2 = ||x||^2 - 2 <x, c> + ||c||^2: the first term is the same for all. The distance itself is
// taken from the differences, which cancel nothing.
__global__ void __launch_bounds__(kWarps* kWarp) nearest_kernel(const NearestArgs args) {
  const std::size_t row = std::size_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
  const unsigned lane = threadIdx.x % kWarp;
  if (row >= args.count) return;  // the whole warp
  double best = INFINITY;
  unsigned index = 0xffffffffu;
  for (unsigned k = lane; k < args.centroids; k += kWarp) {
    const double value = args.norms[k] - 2 * static_cast<double>(args.products[row * args.centroids + k]);
    if (value < best) {
      best = value;
      index = k;
    }
  }
#pragma unroll
  for (unsigned mask = kWarp / 2; mask != 0; mask /= 2) {
    const double other = shuffle_xor(best, mask);
    const unsigned other_index = shuffle_xor(index, mask);
    if (other < best || (other == best && other_index < index)) {
      best = other;
      index = other_index;
    }
  }
  const bool found = index < args.centroids;  // not where all are NaN
  double square = 0;
  for (std::size_t j = lane; found && j < args.length; j += kWarp) {
    const double difference =
        static_cast<double>(args.x[row * args.length + j]) - static_cast<double>(args.c[index * args.length + j]);
    square = fma(difference, difference, square);
  }
  square = warp_sum(square);
  if (lane != 0) return;
  args.nearest[row] = found ? static_cast<std::int32_t>(index) : 0;
  args.distance[row] = found ? square : NAN;
}

}  // namespace

Status assign(Session* session, const Assign* problem) noexcept {
  const Assign& p = *problem;
  if (p.count == 0 || p.centroids == 0) return Status::ok;
  DeviceBuffer<double> norms;
  DeviceBuffer<float> products;
  const std::size_t rows = std::min(p.count, std::max<std::size_t>(1, kProducts / p.centroids));
  Status status = norms.open(*session, p.centroids);
  if (status == Status::ok) status = products.open(*session, rows * p.centroids);
  if (status != Status::ok) return status;
  RowDots squares{p.c, Type::f32, p.centroids, p.length, p.length, nullptr, 0, 1, 0, nullptr, 0, norms.data()};
  status = row_dots(session, &squares);
  for (std::size_t first = 0; status == Status::ok && first < p.count; first += rows) {
    const std::size_t count = std::min(rows, p.count - first);
    const float* x = p.x + first * p.length;
    Product product_of{};
    product_of.batch = 1;
    product_of.m = count;
    product_of.n = p.centroids;
    product_of.k = p.length;
    product_of.math = Math::tf32x3;
    product_of.alpha = 1;
    product_of.a = {x, Type::f32, p.length, 1, 0, 0, 0};
    product_of.b = {p.c, Type::f32, p.length, 1, 0, 0, 0};
    product_of.c = products.data();
    product_of.c_type = Type::f32;
    product_of.c_stride = p.centroids;
    status = product(session, &product_of);
    if (status != Status::ok) return status;
    const NearestArgs args{count,        p.length,          p.centroids,       x, p.c, products.data(),
                           norms.data(), p.nearest + first, p.distance + first};
    status =
        launch(*session, "nearest centroids", nearest_kernel, {(count + kWarps - 1) / kWarps}, kWarps * kWarp, 0, args);
  }
  return status;
}

}  // namespace gradsift::cuda
