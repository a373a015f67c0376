#include "native/linalg/nearest_centroid.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "native/core/buffer.h"
#include "native/kernels/table.h"
#include "native/linalg/pack_lines.h"
#include "native/linalg/slots.h"

namespace gradsift {

namespace {

// Centroids packed at one time, a multiple of the columns of every tile: their products with a block of rows, 288 KiB,
// stay in the second-level cache until they are compared.
constexpr std::size_t kSlab = 1152;
// Rows of a block: each panel of centroids, on its way from the last cache, serves all of them. Fewer long ones.
constexpr std::size_t kMostRows = 64, kLeastRows = 16;
constexpr std::size_t kBlockElements = kMostRows * kDepthBlock;
// Fewer centroids than this are multiplied sooner than sieved.
constexpr std::size_t kLeastToSieve = 128;
// Longer rows would need a larger guard (see Sieve).
constexpr std::size_t kLongestToSieve = std::size_t{1} << 16;
// Candidates a row, in the mean of a block, from which all its products in float32 cost less than their own: a product
// alone takes as long as some 16 of them in a tile.
constexpr std::size_t kCandidates = 24;
// Pairs of a row and a candidate multiplied together.
constexpr std::size_t kPairs = 64;

constexpr float kNothing = -std::numeric_limits<float>::infinity();

constexpr std::size_t divide_up(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }
constexpr std::size_t round_up(std::size_t a, std::size_t b) noexcept { return divide_up(a, b) * b; }

// Lines packed for one kind of tile, in blocks of the depth: [block][panel][depth of the block][columns].
class Panels {
 public:
  Panels() noexcept = default;
  Panels(const TileKernel<float>& kernel, std::size_t most_lines, std::size_t depth, std::size_t depth_block) noexcept
      : kernel_(&kernel),
        depth_(depth),
        depth_block_(depth_block),
        packed_(round_up(most_lines, kernel.columns) * depth) {}
  explicit operator bool() const noexcept { return static_cast<bool>(packed_); }

  bool pack(const Execution& execution, const KernelTable& table, const float* source, std::size_t lines) noexcept {
    lines_ = lines;
    padded_ = round_up(lines, kernel_->columns);
    const std::size_t group = 4 * kernel_->columns, groups = divide_up(lines, group);
    return execution.parallel(groups * divide_up(depth_, depth_block_), [&](std::size_t task) {
      const std::size_t line = task % groups * group, p = task / groups * depth_block_;
      pack_panels(table, Lines<float>{source, depth_}, 0, line, std::min(group, lines - line), kernel_->columns, p,
                  depth_at(p), packed_.data() + p * padded_ + line * depth_at(p));
    });
  }

  const TileKernel<float>& kernel() const noexcept { return *kernel_; }
  std::size_t depth() const noexcept { return depth_; }
  std::size_t depth_at(std::size_t p) const noexcept { return std::min(depth_block_, depth_ - p); }

  // products[i][j] = <row i, line j> for all lines. rows: [count][depth]; panel takes one block of them, packed.
  void multiply(const KernelTable& table, const float* rows, std::size_t count, float* panel, float* products,
                std::size_t stride) const noexcept {
    std::size_t p = 0;
    do {
      const std::size_t depth = depth_at(p);
      pack_panels(table, Lines<float>{rows, depth_}, 0, 0, count, kernel_->rows, p, depth, panel);
      multiply_block(panel, count, p, depth, products, stride);
      p += depth;
    } while (p < depth_);
  }

 private:
  void multiply_block(const float* panel, std::size_t count, std::size_t p, std::size_t depth, float* products,
                      std::size_t stride) const noexcept {
    Tile<float> tile;
    tile.depth = depth;
    tile.a_stride = kernel_->rows;
    tile.b_stride = kernel_->columns;
    tile.alpha = 1;
    tile.beta = p == 0 ? 0 : 1;
    tile.c_stride = stride;
    tile.wanted_stride = stride * sizeof(float);
    const float* lines = packed_.data() + p * padded_;
    for (std::size_t j = 0; j < lines_; j += kernel_->columns) {
      tile.columns = std::min(kernel_->columns, lines_ - j);
      tile.wanted_bytes = tile.columns * sizeof(float);
      tile.b = lines + j * depth;
      tile.next = lines + (j + kernel_->columns < lines_ ? j + kernel_->columns : 0) * depth;
      for (std::size_t i = 0; i < count; i += kernel_->rows) {
        tile.rows = std::min(kernel_->rows, count - i);
        tile.a = panel + i * depth;
        tile.wanted = tile.c = products + i * stride + j;
        kernel_->run(tile);
        tile.next += depth * (kNextBytes / sizeof(float));
      }
    }
  }

  const TileKernel<float>* kernel_ = nullptr;
  std::size_t depth_ = 0, depth_block_ = 1, lines_ = 0, padded_ = 0;
  Buffer<float> packed_;
};

// What bfloat16 can tell. With c' = c - mu, the same mu for all, <x, c'_j> - ||c_j||^2 / 2 differs from score j by the
// same number for every j; products of rounded values x~ and c~ differ from it by at most
//
//   ||x~ - x|| ||c~_j|| + ||x|| ||c~_j - c'_j||        what rounding took, by Cauchy and Schwarz, from its actual norms
//   + g ||x|| (||c~_j|| + ||c_j||)                      sums of `length` products in float32, here and in the score
//   + 4 u ||c_j||^2 / 2                                 the differences from the half square
//
// with u = 2^-24 and g = (length + length / kDepthBlock + 8) u. Written as ||x|| slack_j + margin_j with slack_j = r
// ||c~_j|| + ..., r the largest ||x~ - x|| / ||x|| of a block of rows. Norms are taken larger by kMore of themselves,
// for the rounding of all that, and by kGuard, which covers what underflows or is flushed to zero: 2^-74 in the norms,
// 2^-126 a term in a product.
constexpr float kMore = 1 + 0x1p-7f;
constexpr float kGuard = 0x1p-50f, kLostGuard = 0x1p-59f;

class Sieve {
 public:
  Sieve() noexcept = default;
  Sieve(const KernelTable& table, std::size_t most_lines, std::size_t length) noexcept
      : length_(length),
        panels_(*table.tile_bf16, most_lines, divide_up(length, 2), divide_up(length, 2)),
        pairs_(most_lines * divide_up(length, 2)),
        columns_(4 * most_lines),
        mean_(length),
        most_(most_lines) {}
  explicit operator bool() const noexcept { return panels_ && pairs_ && columns_ && mean_; }

  bool pack(const Execution& execution, const KernelTable& table, const float* centroids, std::size_t count,
            const float* halves) noexcept {
    std::fill_n(mean_.data(), length_, 0.0f);
    const float share = 1 / static_cast<float>(count);
    for (std::size_t j = 0; j < count; ++j) {  // any centre will do: the sum may round
      for (std::size_t p = 0; p < length_; ++p) mean_[p] += share * centroids[j * length_ + p];
    }
    const std::size_t width = panels_.depth();
    const float unit = 0x1p-24f, sums = unit * static_cast<float>(length_ + length_ / kDepthBlock + 8);
    const bool done = execution.parallel(count, [&](std::size_t j) {
      const float* c = centroids + j * length_;
      const Narrowed centred = narrow(table, c, pairs_.data() + j * width);
      const float norm = kMore * std::sqrt(centred.squares) + kGuard;
      const float own = kMore * static_cast<float>(std::sqrt(table.sum_squares_f32(c, length_)));
      norms()[j] = norm;
      // The subtraction of the mean rounds too.
      rest()[j] = kMore * std::sqrt(centred.lost) + kLostGuard + 2 * unit * norm + kMore * sums * (norm + own);
      below()[j] = halves[j] + 8 * unit * halves[j];
      above()[j] = halves[j] - 8 * unit * halves[j];
    });
    return done && panels_.pack(execution, table, pairs_.data(), count);
  }

  const Panels& panels() const noexcept { return panels_; }
  float* below() noexcept { return columns_.data(); }
  float* above() noexcept { return columns_.data() + most_; }

  // slack_j for rows that lose at most `share` of their length.
  void slack(float share, std::size_t count, float* out) noexcept {
    for (std::size_t j = 0; j < count; ++j) out[j] = share * norms()[j] + rest()[j];
  }

 private:
  Narrowed narrow(const KernelTable& table, const float* c, float* pairs) noexcept {
    constexpr std::size_t piece = 256;
    float centred[piece];
    Narrowed sums{0, 0};
    for (std::size_t first = 0; first < length_; first += piece) {
      const std::size_t count = std::min(piece, length_ - first);
      for (std::size_t p = 0; p < count; ++p) centred[p] = c[first + p] - mean_[first + p];
      const Narrowed part = table.narrow_bf16(centred, count, pairs + first / 2);
      sums.squares += part.squares;
      sums.lost += part.lost;
    }
    return sums;
  }
  float* norms() noexcept { return columns_.data() + 2 * most_; }
  float* rest() noexcept { return columns_.data() + 3 * most_; }

  std::size_t length_ = 0;
  Panels panels_;
  Buffer<float> pairs_, columns_, mean_;
  std::size_t most_ = 0;
};

class Assignment {
 public:
  Assignment(const Execution& execution, const NearestCentroid& problem) noexcept
      : execution_(execution.for_product(static_cast<double>(problem.count) * static_cast<double>(problem.length) *
                                         static_cast<double>(problem.clusters))),
        problem_(problem),
        table_(kernels()),
        most_(std::min(problem.clusters, kSlab)),
        block_(std::clamp(kBlockElements / std::max<std::size_t>(1, problem.length), kLeastRows, kMostRows)),
        stride_(round_up(most_, 64) + 16),  // not a power of two apart: rows would meet in the same lines of the cache
        sieving_(sieves()) {}

  Status run() noexcept {
    if (problem_.count == 0) return Status::ok;
    if (!allocate()) return Status::out_of_memory;
    for (std::size_t first = 0; first < problem_.clusters; first += most_) {
      const std::size_t count = std::min(most_, problem_.clusters - first);
      if (!pack(first, count)) return Status::cancelled;
      const bool done = execution_.parallel(divide_up(problem_.count, block_), [&](std::size_t task) {
        const std::size_t row = task * block_;
        const std::size_t slot = scratch_.take();
        assign(row, std::min(block_, problem_.count - row), first, count, slot);
        scratch_.give_back(slot);
      });
      if (!done) return Status::cancelled;
    }
    return Status::ok;
  }

 private:
  // Whether pairs of bfloat16 are worth a try.
  bool sieves() const noexcept {
    if (problem_.prefilter == Prefilter::never || problem_.length > kLongestToSieve) return false;
    return problem_.prefilter == Prefilter::always || (table_.tile_bf16->doubled && problem_.clusters >= kLeastToSieve);
  }

  bool allocate() noexcept {
    const std::size_t slots = std::min<std::size_t>(execution_.threads, divide_up(problem_.count, block_));
    exact_ = Panels(*table_.tile_f32, most_, problem_.length, kDepthBlock);
    halves_ = Buffer<float>(most_);
    panel_ = round_up(block_, table_.tile_f32->rows) * std::min(problem_.length, kDepthBlock);
    if (sieving_) {
      sieve_ = Sieve(table_, most_, problem_.length);
      if (!sieve_) return false;
      panel_ = std::max(panel_, round_up(block_, table_.tile_bf16->rows) * sieve_.panels().depth());
      pairs_ = block_ * sieve_.panels().depth();
      found_ = Buffer<std::uint32_t>(slots * most_found());
      if (!found_) return false;
    }
    scratch_ = Slots<float>(slots, round_up(block_ * stride_ + panel_ + pairs_ + most_, 64));
    return exact_ && halves_ && scratch_;
  }

  bool pack(std::size_t first, std::size_t count) noexcept {
    const float* centroids = problem_.centroids + first * problem_.length;
    for (std::size_t j = 0; j < count; ++j) {
      const double squares = table_.sum_squares_f32(centroids + j * problem_.length, problem_.length);
      halves_[j] = static_cast<float>(squares / 2);
    }
    if (sieving_ && !sieve_.pack(execution_, table_, centroids, count, halves_.data())) return false;
    return exact_.pack(execution_, table_, centroids, count);
  }

  // The parts of a task's scratch space: products, the packed rows, the rows in pairs, slack.
  float* products(std::size_t slot) noexcept { return scratch_.at(slot); }
  float* panel(std::size_t slot) noexcept { return products(slot) + block_ * stride_; }
  float* pairs(std::size_t slot) noexcept { return panel(slot) + panel_; }
  float* slack(std::size_t slot) noexcept { return pairs(slot) + pairs_; }
  std::size_t most_found() const noexcept { return block_ * kCandidates + most_; }

  const float* row(std::size_t i) const noexcept { return problem_.rows + i * problem_.length; }

  // One block of rows, [first_row, first_row + rows), against centroids [first, first + count).
  void assign(std::size_t first_row, std::size_t rows, std::size_t first, std::size_t count,
              std::size_t slot) noexcept {
    BestScore best[kMostRows];
    for (std::size_t i = 0; i < rows; ++i) {
      best[i] = {kNothing, 0};
      if (first != 0) best[i] = {problem_.scores[first_row + i], problem_.labels[first_row + i]};
    }
    if (!worth_sieving() || !sieve(first_row, rows, first, count, slot, best)) {
      exact_.multiply(table_, row(first_row), rows, panel(slot), products(slot), stride_);
      for (std::size_t i = 0; i < rows; ++i) {
        table_.best_of({count, products(slot) + i * stride_, halves_.data(), first}, best[i]);
      }
    }
    for (std::size_t i = 0; i < rows; ++i) {
      problem_.scores[first_row + i] = best[i].score;
      problem_.labels[first_row + i] = best[i].label;
    }
  }

  // Blocks that were sieved in vain cost twice: after a few, and while they are many, no more are tried. Which blocks
  // are depends on the order of threads; what they give does not.
  bool worth_sieving() const noexcept {
    if (!sieving_) return false;
    return 4 * in_vain_.load(std::memory_order_relaxed) <= tried_.load(std::memory_order_relaxed) + 16;
  }

  // False, and nothing is changed, when too many centroids are too close, or a value is not finite.
  bool sieve(std::size_t first_row, std::size_t rows, std::size_t first, std::size_t count, std::size_t slot,
             BestScore* best) noexcept {
    tried_.fetch_add(1, std::memory_order_relaxed);
    std::size_t start[kMostRows + 1] = {};
    std::uint32_t* found = found_.data() + slot * most_found();
    if (!candidates(first_row, rows, count, slot, found, start)) {
      in_vain_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    recheck(first_row, rows, first, found, start, best);
    return true;
  }

  // The centroids of this slab that may be nearest: found[start[i] .. start[i + 1]) for row i, in order.
  bool candidates(std::size_t first_row, std::size_t rows, std::size_t count, std::size_t slot, std::uint32_t* found,
                  std::size_t* start) noexcept {
    const Panels& panels = sieve_.panels();
    float norms[kMostRows], share = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      const Narrowed sums = table_.narrow_bf16(row(first_row + i), problem_.length, pairs(slot) + i * panels.depth());
      norms[i] = kMore * std::sqrt(sums.squares) + kGuard;
      share = std::max(share, (kMore * std::sqrt(sums.lost) + kLostGuard) / norms[i]);
      if (!std::isfinite(norms[i])) return false;
    }
    sieve_.slack(share, count, slack(slot));
    panels.multiply(table_, pairs(slot), rows, panel(slot), products(slot), stride_);
    for (std::size_t i = 0; i < rows; ++i) {
      const ScoreBounds bounds{count,   products(slot) + i * stride_, sieve_.below(), sieve_.above(), slack(slot),
                               norms[i]};
      const float floor = table_.highest_floor(bounds, kNothing);
      if (!std::isfinite(floor)) return false;
      start[i + 1] = start[i] + table_.within_reach(bounds, floor, found + start[i]);
      if (start[i + 1] > rows * kCandidates) return false;
    }
    return true;
  }

  // The scores of candidates as the tiles would give them: in blocks of depth, each summed from zero.
  void recheck(std::size_t first_row, std::size_t rows, std::size_t first, const std::uint32_t* found,
               const std::size_t* start, BestScore* best) noexcept {
    const std::size_t length = problem_.length, total = start[rows];
    const float *a[kPairs], *b[kPairs];
    float part[kPairs], sum[kPairs];
    std::size_t i = 0, ended = 0;  // rows of the pair gathered, and of the pair compared
    for (std::size_t from = 0; from < total; from += kPairs) {
      const std::size_t pairs = std::min(kPairs, total - from);
      for (std::size_t l = 0; l < pairs; ++l) {
        while (start[i + 1] <= from + l) ++i;
        a[l] = row(first_row + i);
        b[l] = problem_.centroids + (first + found[from + l]) * length;
        sum[l] = 0;
      }
      for (std::size_t p = 0; p < length; p += kDepthBlock) {
        table_.ordered_dots({pairs, std::min(kDepthBlock, length - p), a, b, part});
        for (std::size_t l = 0; l < pairs; ++l) {
          sum[l] = p == 0 ? part[l] : sum[l] + part[l];
          a[l] += kDepthBlock;
          b[l] += kDepthBlock;
        }
      }
      for (std::size_t l = 0; l < pairs; ++l) {
        while (start[ended + 1] <= from + l) ++ended;
        const std::uint32_t column = found[from + l];
        const float score = sum[l] - halves_[column];
        if (score > best[ended].score) best[ended] = {score, static_cast<std::uint32_t>(first + column)};
      }
    }
  }

  Execution execution_;
  const NearestCentroid& problem_;
  const KernelTable& table_;
  std::size_t most_, block_, stride_;
  bool sieving_;
  std::size_t panel_ = 0, pairs_ = 0;
  Panels exact_;
  Sieve sieve_;
  Buffer<float> halves_;
  Buffer<std::uint32_t> found_;
  Slots<float> scratch_;
  std::atomic<std::size_t> tried_{0}, in_vain_{0};
};

}  // namespace

Status nearest_centroid(const Execution& execution, const NearestCentroid& problem) noexcept {
  return Assignment(execution, problem).run();
}

}  // namespace gradsift
