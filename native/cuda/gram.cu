#include "native/cuda/gram.h"

#include <algorithm>

#include "native/cuda/product.h"
#include "native/cuda/routine.h"

namespace gradsift::cuda {

namespace {

// Terms of one chunk. Inside it float32 sums leave the tensor core every 512 terms, and eight such are added rounding
// to nearest; a merge moves 16 bytes an element of G, which is hidden where a chunk has some thousands of terms.
constexpr std::size_t kChunkTerms = 4096;
// Partial matrices of one wave: 64 of 512 x 512 doubles are 128 MiB.
constexpr std::size_t kMostPartials = 64;

struct MergeArgs {
  const double* partials;
  std::size_t count, n;
  double scale;
  double* out;
};

// Chunk after chunk, as products with beta = 1 would add them.
__global__ void __launch_bounds__(256) merge_partials(const MergeArgs args) {
  const std::size_t elements = args.n * args.n, at = std::size_t{blockIdx.x} * 256 + threadIdx.x;
  if (at >= elements) return;
  double sum = args.out[at];
  for (std::size_t p = 0; p < args.count; ++p) sum += args.scale * args.partials[p * elements + at];
  args.out[at] = sum;
}

// The product of `samples` samples from the first on.
Product chunk_of(const Gram& g, std::size_t first, std::size_t samples) noexcept {
  const std::size_t terms = g.transpose_samples ? g.d : g.r, lines = g.transpose_samples ? g.r : g.d;
  Product p{};
  p.m = p.n = lines;
  p.k = samples * terms;
  p.math = g.math;
  p.lower = true;
  p.batch = 1;
  p.a.data = static_cast<const char*>(g.rows) + first * g.r * g.d * element_bytes(g.type);
  p.a.type = g.type;
  p.a.line_stride = g.transpose_samples ? g.d : 1;
  p.a.depth_stride = g.transpose_samples ? 1 : g.d;
  if (g.transpose_samples) {
    p.a.run = g.d;
    p.a.run_stride = g.r * g.d;
  }
  p.b = p.a;
  p.c_type = Type::f64;
  p.c_stride = lines;
  return p;
}

Status add_in_place(Session& session, const Gram& g, std::size_t chunk) noexcept {
  for (std::size_t first = 0; first < g.samples; first += chunk) {
    Product p = chunk_of(g, first, std::min(chunk, g.samples - first));
    p.alpha = g.scale;
    p.beta = 1;
    p.c = g.out;
    const Status status = product(&session, &p);
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

Status add_partials(Session& session, const Gram& g, std::size_t chunk, std::size_t wave) noexcept {
  const std::size_t whole = g.samples / chunk, total = (g.samples + chunk - 1) / chunk;
  const std::size_t n = g.transpose_samples ? g.r : g.d;
  DeviceBuffer<double> partials;
  Status status = partials.open(session, std::min(wave, total) * n * n);
  for (std::size_t first = 0; status == Status::ok && first < total;) {
    const bool last = first == whole;  // a shorter one, by itself
    const std::size_t count = last ? 1 : std::min(wave, whole - first);
    Product p = chunk_of(g, first * chunk, last ? g.samples - whole * chunk : chunk);
    p.batch = count;
    p.a.batch_stride = p.b.batch_stride = chunk * g.r * g.d;
    p.alpha = 1;
    p.c = partials.data();
    p.c_batch_stride = n * n;
    status = product(&session, &p);
    if (status != Status::ok) return status;
    const MergeArgs merge{partials.data(), count, n, g.scale, g.out};
    status = launch(session, "a merge of partial sums", merge_partials, {(n * n + 255) / 256}, 256, 0, merge);
    first += count;
  }
  return status;
}

}  // namespace

std::size_t gram_chunk_samples(const Gram& g) noexcept {
  const std::size_t terms = g.transpose_samples ? g.d : g.r;
  return std::max<std::size_t>(1, kChunkTerms / std::max<std::size_t>(1, terms));
}

Status gram(Session* session, const Gram* problem) noexcept {
  const Gram& g = *problem;
  if (g.samples == 0 || g.r == 0 || g.d == 0) return Status::ok;
  const std::size_t chunk = gram_chunk_samples(g);
  const std::size_t tiles = product_tiles(chunk_of(g, 0, 1));
  // Few tiles leave most of the device idle: chunks go side by side, as many as fill it twice.
  const std::size_t wanted = 2 * static_cast<std::size_t>(session->multiprocessors) / tiles;
  if (wanted <= 1) return add_in_place(*session, g, chunk);
  return add_partials(*session, g, chunk, std::min(wanted, kMostPartials));
}

}  // namespace gradsift::cuda
