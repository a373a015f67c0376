#include "native/linalg/gfim.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "native/core/buffer.h"
#include "native/linalg/packed_product.h"

namespace gradsift {

namespace {

// Up to this many kept lines G has too few tiles to keep threads busy, and is itself small: tiles of samples are summed
// side by side into partial matrices, which are then added to G in order.
constexpr std::size_t kPartialLines = 256;
// Rows in a partial sum: long against its merging (one addition an element of G), short enough to give each thread one.
constexpr std::size_t kPartialRows = 1024;
// Partial matrices held at a time: 32 of 256 x 256 doubles are 16 MiB.
constexpr std::size_t kWave = 32;

// G = sum over depth of outer products: `lines` is its order, a sample adds `depth` products.
struct Shape {
  std::size_t lines, depth;
};

Shape shape_of(std::size_t r, std::size_t d, bool transpose_samples) noexcept {
  return transpose_samples ? Shape{r, d} : Shape{d, r};
}

// Depth blocks end where samples end, so that blocks of rows can: whole samples where those are short, a divisor of
// their length where they are long. A length with no fair divisor meets the end of a block only after many samples.
std::size_t depth_block_of(const Shape& shape) noexcept {
  if (shape.depth <= kDepthBlock) return std::bit_floor(kDepthBlock / shape.depth) * shape.depth;
  constexpr std::size_t fair = 64;  // shorter blocks would spend their time merging
  for (std::size_t block = kDepthBlock; block >= fair; --block) {
    if (shape.depth % block == 0) return block;
  }
  return kDepthBlock;
}

// A power of two, so that the tiles of different sums over the same rows meet after the longer of them.
std::size_t tile_samples_of(const Shape& shape) noexcept {
  if (shape.depth == 0) return 1;
  const std::size_t block = depth_block_of(shape);
  const std::size_t samples = block / std::gcd(shape.depth, block);  // the fewest that end with a block
  if (shape.lines > kPartialLines) return samples;
  return samples * std::bit_floor(std::max<std::size_t>(1, kPartialRows / (samples * shape.depth)));
}

// The rows of a block as lines to multiply: line l of G's order, over all samples.
template <class T>
Lines<T> lines_of(const GfimBlock<T>& block) noexcept {
  Lines<T> lines;
  lines.data = block.rows;
  lines.line_stride = block.transpose_samples ? block.d : 1;
  lines.depth_stride = block.transpose_samples ? 1 : block.d;
  if (block.transpose_samples) {
    lines.depth_run = block.d;
    lines.run_stride = block.r * block.d;
  }
  return lines;
}

// Whether rows can be taken two by two: a pair must not be parted by the end of a depth block. Others are widened, and
// give float32 sums of the same exact products.
template <class T>
bool in_pairs(const GfimBlock<T>& block, std::size_t depth_block) noexcept {
  return block.precision == GramPrecision::bf16 && !block.transpose_samples && depth_block % 2 == 0;
}

template <class T>
Status multiply(const Execution& execution, const GfimBlock<T>& block, Product<T, T, double> product) noexcept {
  if (block.precision == GramPrecision::f64) return packed_product<double>(execution, product);
  if (in_pairs(block, product.depth_block)) {
    product.pairs = true;
    product.odd = product.k % 2 != 0;
    product.k = (product.k + 1) / 2;
    product.depth_block /= 2;
  }
  return packed_product<float>(execution, product);
}

// G += scale (P_0 + P_1 + ...) in that order, lower triangle.
bool add_partials(const Execution& execution, const double* partials, std::size_t count, std::size_t n, double scale,
                  double* out) noexcept {
  constexpr std::size_t rows = 16;
  return execution.for_pass(count * n * n).parallel((n + rows - 1) / rows, [=](std::size_t task) {
    for (std::size_t i = task * rows; i < std::min(n, task * rows + rows); ++i) {
      for (std::size_t p = 0; p < count; ++p) {
        const double* partial = partials + (p * n + i) * n;
        for (std::size_t j = 0; j <= i; ++j) out[i * n + j] += scale * partial[j];
      }
    }
  });
}

template <class T>
Status sum_partials(const Execution& execution, const GfimBlock<T>& block, const Shape& shape) noexcept {
  const std::size_t n = shape.lines;
  const std::size_t tile = tile_samples_of(shape);
  const std::size_t tiles = (block.samples + tile - 1) / tile;
  const std::size_t whole = block.samples / tile;  // all but a shorter last one
  Buffer<double> partials(std::min(tiles, kWave) * n * n);
  if (!partials) return Status::out_of_memory;
  Product<T, T, double> product;
  product.m = product.n = n;
  product.lower = true;
  product.bf16 = block.half == HalfType::bf16;
  product.depth_block = depth_block_of(shape);
  product.c = partials.data();
  product.c_stride = n;
  product.c_batch_stride = n * n;
  for (std::size_t first = 0; first < tiles;) {
    const bool last = first == whole;
    product.batch = last ? 1 : std::min(kWave, whole - first);
    product.k = (last ? block.samples - whole * tile : tile) * shape.depth;
    product.a = lines_of(block);
    product.a.data += first * tile * block.r * block.d;
    product.a.batch_stride = tile * block.r * block.d;
    product.b = product.a;
    const Status status = multiply(execution, block, product);
    if (status != Status::ok) return status;
    if (!add_partials(execution, partials.data(), product.batch, n, block.scale, block.out)) return Status::cancelled;
    first += product.batch;
  }
  return Status::ok;
}

template <class T>
Status sum_in_place(const Execution& execution, const GfimBlock<T>& block, const Shape& shape) noexcept {
  Product<T, T, double> product;
  product.m = product.n = shape.lines;
  product.k = block.samples * shape.depth;
  product.alpha = block.scale;
  product.beta = 1;
  product.a = product.b = lines_of(block);
  product.c = block.out;
  product.c_stride = shape.lines;
  product.depth_block = depth_block_of(shape);
  product.lower = true;
  product.bf16 = block.half == HalfType::bf16;
  return multiply(execution, block, product);
}

template <class T>
Status accumulate(const Execution& execution, const GfimBlock<T>& block) noexcept {
  if (block.samples == 0 || block.r == 0 || block.d == 0) return Status::ok;
  const Shape shape = shape_of(block.r, block.d, block.transpose_samples);
  const Status status =
      shape.lines <= kPartialLines ? sum_partials(execution, block, shape) : sum_in_place(execution, block, shape);
  if (status != Status::ok) return status;
  return mirror_lower(execution, 1, shape.lines, 0.0, block.out, shape.lines, 0);
}

}  // namespace

std::size_t gfim_tile_samples(std::size_t r, std::size_t d, bool transpose_samples) noexcept {
  return tile_samples_of(shape_of(r, d, transpose_samples));
}

Status accumulate_gfim(const Execution& execution, const GfimBlock<float>& block) noexcept {
  return accumulate(execution, block);
}

Status accumulate_gfim(const Execution& execution, const GfimBlock<double>& block) noexcept {
  return accumulate(execution, block);
}

Status accumulate_gfim(const Execution& execution, const GfimBlock<std::uint16_t>& block) noexcept {
  return accumulate(execution, block);
}

}  // namespace gradsift
