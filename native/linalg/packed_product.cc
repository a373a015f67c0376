#include "native/linalg/packed_product.h"

#include <algorithm>
#include <type_traits>

#include "native/core/buffer.h"
#include "native/core/caches.h"
#include "native/kernels/table.h"
#include "native/linalg/pack_lines.h"
#include "native/linalg/slots.h"

namespace gradsift {

namespace {

// Most columns in one task: 128 x 2048 x 512 multiply-adds take 1 ms here, and 50 ms on a machine with no SIMD at all.
constexpr std::size_t kTaskColumns = 2048;
// Tasks for each thread, so that the last to finish is not late by much.
constexpr std::size_t kTasksPerThread = 4;

constexpr std::size_t divide_up(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }
constexpr std::size_t round_up(std::size_t a, std::size_t b) noexcept { return divide_up(a, b) * b; }

template <class T>
const TileKernel<T>& tile_kernel(const KernelTable& table) noexcept {
  if constexpr (std::is_same_v<T, float>) {
    return *table.tile_f32;
  } else {
    return *table.tile_f64;
  }
}

// The part of a product for which B is packed at one time.
struct Part {
  std::size_t item, items;      // of the batch
  std::size_t column, columns;  // of C
  std::size_t start, depth;     // of k
};

template <class Packed, class A, class B, class C>
class Engine {
 public:
  Engine(const Execution& execution, const Product<A, B, C>& product) noexcept
      : execution_(execution.for_product(static_cast<double>(product.batch) * static_cast<double>(product.m) *
                                         static_cast<double>(product.n) * static_cast<double>(product.k))),
        product_(product),
        table_(kernels()),
        kernel_(tile_of(product, table_)),
        blocks_(product_blocks(caches())) {}

  Status run() noexcept {
    if (product_.batch == 0 || product_.m == 0 || product_.n == 0) return Status::ok;
    const Part step = plan();
    const std::size_t b_items = product_.b.batch_stride == 0 ? 1 : step.items;
    b_item_elements_ = round_up(step.columns, kernel_.columns) * step.depth;
    const std::size_t tasks = step.items * down_ * divide_up(step.columns, task_columns_);
    a_panels_ = Slots<Packed>(std::min<std::size_t>(execution_.threads, tasks),
                              shared_ ? 0 : task_rows_ * std::min(product_.depth_block, step.depth));
    b_panels_ = Buffer<Packed>(direct_b_ ? 0 : b_items * b_item_elements_);
    if (!a_panels_ || !b_panels_) return Status::out_of_memory;
    for (Part part = step; part.item < product_.batch; part.item += step.items) {
      part.items = std::min(step.items, product_.batch - part.item);
      // k before columns: each element of C takes its depth blocks in order.
      part.start = 0;
      do {
        part.depth = std::min(step.depth, product_.k - part.start);
        for (part.column = 0; part.column < product_.n; part.column += step.columns) {
          part.columns = std::min(step.columns, product_.n - part.column);
          if (!direct_b_ && !pack_b(part)) return Status::cancelled;
          if (!multiply(part)) return Status::cancelled;
        }
        part.start += part.depth;
      } while (part.start < product_.k);
    }
    return Status::ok;
  }

 private:
  static const TileKernel<Packed>& tile_of(const Product<A, B, C>& product, const KernelTable& table) noexcept {
    if constexpr (std::is_same_v<Packed, float>) {
      if (product.pairs) return *table.tile_bf16;
    }
    return tile_kernel<Packed>(table);
  }

  template <class From>
  void pack_lines(const Lines<From>& source, std::size_t item, std::size_t first, std::size_t lines, std::size_t width,
                  std::size_t start, std::size_t depth, Packed* panels) noexcept {
    if constexpr (std::is_same_v<From, std::uint16_t>) {
      if constexpr (std::is_same_v<Packed, float>) {
        if (product_.pairs) {
          const bool odd = product_.odd && start + depth == product_.k;
          return pack_pairs(table_, source, item, first, lines, width, start, depth, odd, panels);
        }
      }
      pack_panels(table_, product_.bf16, source, item, first, lines, width, start, depth, panels);
    } else {
      pack_panels(table_, source, item, first, lines, width, start, depth, panels);
    }
  }

  // How much of B is packed at one time, and how a part is cut into tasks. Nothing here changes a bit of the result.
  Part plan() noexcept {
    // Two panels of A use each value of B twice, less than packing it costs: it is read where it lies, if its lines lie
    // side by side.
    if constexpr (std::is_same_v<B, Packed>) {
      direct_b_ = product_.m <= 2 * kernel_.rows && product_.b.line_stride == 1 && product_.b.depth_run == 0;
    }
    // The same lines twice, all packed as B: panels of A are parts of those of B.
    if constexpr (std::is_same_v<A, B>) {
      shared_ = !direct_b_ && product_.n <= kTaskColumns && same_lines(product_.a, product_.b);
    }
    Part step{};
    step.columns = std::min(product_.n, kTaskColumns);
    const std::size_t line_bytes = step.columns * product_.depth_block * sizeof(Packed);
    const std::size_t blocks = std::max<std::size_t>(1, blocks_.b / line_bytes);
    step.depth = std::min(product_.k, blocks * product_.depth_block);
    step.items = 1;
    if (step.columns == product_.n && step.depth == product_.k) {  // small: several items together
      const std::size_t bytes = std::max<std::size_t>(1, step.columns * step.depth * sizeof(Packed));
      step.items = std::clamp<std::size_t>(blocks_.b / bytes, 1, product_.batch);
    }
    const std::size_t most_rows = blocks_.a / (kDepthBlock * sizeof(Packed));
    down_ = divide_up(product_.m, most_rows);
    task_rows_ = round_up(divide_up(product_.m, down_), kernel_.rows);
    down_ = divide_up(product_.m, task_rows_);
    const std::size_t wanted = execution_.threads <= 1 ? 1 : kTasksPerThread * execution_.threads;
    const std::size_t across = divide_up(wanted, down_ * step.items);
    task_columns_ = round_up(divide_up(step.columns, across), kernel_.columns);
    return step;
  }

  template <class T>
  bool same_lines(const Lines<T>& a, const Lines<T>& b) const noexcept {
    return product_.m == product_.n && a.data == b.data && a.line_stride == b.line_stride &&
           a.depth_stride == b.depth_stride && a.batch_stride == b.batch_stride && a.depth_run == b.depth_run &&
           a.run_stride == b.run_stride;
  }

  bool pack_b(const Part& part) noexcept {
    const std::size_t items = product_.b.batch_stride == 0 ? 1 : part.items;
    const std::size_t group = 4 * kernel_.columns;  // a few pages of a row-major B
    const std::size_t groups = divide_up(part.columns, group);
    const std::size_t blocks = divide_up(part.depth, product_.depth_block);
    return execution_.parallel(items * blocks * groups, [&](std::size_t task) {
      const std::size_t item = task / (blocks * groups);
      const std::size_t p = task / groups % blocks * product_.depth_block;
      const std::size_t line = task % groups * group;
      pack_lines(product_.b, part.item + item, part.column + line, std::min(group, part.columns - line),
                 kernel_.columns, part.start + p, std::min(product_.depth_block, part.depth - p),
                 b_panel(part, item, p, line));
    });
  }

  // The panel of B that holds column `column` of the part for the depth block at p.
  Packed* b_panel(const Part& part, std::size_t item, std::size_t p, std::size_t column) noexcept {
    const std::size_t depth = std::min(product_.depth_block, part.depth - p);
    return b_panels_.data() + item * b_item_elements_ + p * round_up(part.columns, kernel_.columns) + column * depth;
  }

  bool multiply(const Part& part) noexcept {
    const std::size_t across = divide_up(part.columns, task_columns_);
    return execution_.parallel(part.items * down_ * across, [&](std::size_t task) {
      const std::size_t item = task / (down_ * across);
      // Longest rows of a triangle first: the short tasks at the end even out the threads.
      const std::size_t row = (down_ - 1 - task / across % down_) * task_rows_;
      const std::size_t column = task % across * task_columns_;
      const std::size_t rows = std::min(task_rows_, product_.m - row);
      if (product_.lower && row + rows <= part.column + column) return;
      const std::size_t slot = a_panels_.take();
      std::size_t p = 0;
      do {
        const std::size_t depth = std::min(product_.depth_block, part.depth - p);
        if (!shared_) {
          pack_lines(product_.a, part.item + item, row, rows, kernel_.rows, part.start + p, depth, a_panels_.at(slot));
        }
        multiply_block(part, a_panels_.at(slot), item, row, rows, column, p, depth);
        p += depth;
      } while (p < part.depth);
      a_panels_.give_back(slot);
    });
  }

  // One task at one depth block: rows of C against the columns from `column` on, both within the part.
  void multiply_block(const Part& part, const Packed* a, std::size_t item, std::size_t row, std::size_t rows,
                      std::size_t column, std::size_t p, std::size_t depth) noexcept {
    Tile<Packed> tile;
    tile.depth = depth;
    tile.a_stride = shared_ ? kernel_.columns : kernel_.rows;
    const std::size_t b_item = product_.b.batch_stride == 0 ? 0 : item;
    const double beta = part.start + p == 0 ? product_.beta : 1;
    const std::size_t end = std::min(column + task_columns_, part.columns);
    for (std::size_t j = column; j < end; j += kernel_.columns) {
      if constexpr (std::is_same_v<B, Packed>) {
        if (direct_b_) {
          tile.b = product_.b.data + (part.item + item) * product_.b.batch_stride +
                   (part.start + p) * product_.b.depth_stride + part.column + j;
          tile.b_stride = product_.b.depth_stride;
        }
      }
      if (!direct_b_) {
        tile.b = b_panel(part, b_item, p, j);
        tile.b_stride = kernel_.columns;
        // The next panel, a part of it with each tile: all of it where a task has 12 tiles of rows or more.
        tile.next = b_panel(part, b_item, p, j + kernel_.columns < end ? j + kernel_.columns : column);
      } else {
        tile.next = tile.b;
      }
      for (std::size_t i = row; i < row + rows; i += kernel_.rows) {
        tile.rows = std::min(kernel_.rows, row + rows - i);
        tile.columns = std::min(kernel_.columns, end - j);
        if (product_.lower) {  // elements of C right of the tile's last row lie above the diagonal
          if (i + tile.rows <= part.column + j) continue;
          tile.columns = std::min(tile.columns, i + tile.rows - (part.column + j));
        }
        if (shared_) {
          tile.a = b_panel(part, b_item, p, i / kernel_.columns * kernel_.columns) + i % kernel_.columns;
        } else {
          tile.a = a + (i - row) * depth;
        }
        multiply_tile(
            tile, beta,
            product_.c + (part.item + item) * product_.c_batch_stride + i * product_.c_stride + part.column + j);
        tile.next += depth * (kNextBytes / sizeof(Packed));
      }
    }
  }

  void multiply_tile(Tile<Packed>& tile, double beta, C* c) noexcept {
    tile.wanted = c;
    tile.wanted_stride = product_.c_stride * sizeof(C);
    tile.wanted_bytes = tile.columns * sizeof(C);
    if constexpr (std::is_same_v<Packed, C>) {
      tile.alpha = static_cast<Packed>(product_.alpha);
      tile.beta = static_cast<Packed>(beta);
      tile.c = c;
      tile.c_stride = product_.c_stride;
      kernel_.run(tile);
    } else {
      alignas(kAlignment) Packed sums[kMaxTileElements];
      tile.alpha = 1;
      tile.beta = 0;
      tile.c = sums;
      tile.c_stride = kernel_.columns;
      kernel_.run(tile);
      table_.merge_f32({tile.rows, tile.columns, sums, kernel_.columns, product_.alpha, beta, c, product_.c_stride});
    }
  }

  Execution execution_;
  const Product<A, B, C>& product_;
  const KernelTable& table_;
  const TileKernel<Packed>& kernel_;
  ProductBlocks blocks_;
  bool direct_b_ = false, shared_ = false;
  std::size_t down_ = 0, task_rows_ = 0, task_columns_ = 0, b_item_elements_ = 0;
  Slots<Packed> a_panels_;
  Buffer<Packed> b_panels_;
};

}  // namespace

template <class Packed, class A, class B, class C>
Status packed_product(const Execution& execution, const Product<A, B, C>& product) noexcept {
  return Engine<Packed, A, B, C>(execution, product).run();
}

template <class T>
Status mirror_lower(const Execution& execution, std::size_t batch, std::size_t n, T gamma, T* c, std::size_t c_stride,
                    std::size_t c_batch_stride) noexcept {
  // Copied in squares: both the rows read and the rows written of a 32 x 32 square stay in the first-level cache.
  constexpr std::size_t side = 32;
  const std::size_t stripes = divide_up(n, side);
  const KernelTable& table = kernels();
  const bool done = execution.for_pass(batch * n * n).parallel(batch * stripes, [&](std::size_t task) {
    T* item = c + task / stripes * c_batch_stride;
    const std::size_t first = task % stripes * side;  // rows [first, last) of the upper triangle are written
    const std::size_t last = std::min(n, first + side);
    for (std::size_t i = first; i < last; ++i) item[i * c_stride + i] += gamma;
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t j = i + 1; j < last; ++j) item[i * c_stride + j] = item[j * c_stride + i];
    }
    alignas(kAlignment) T square[side * side];
    for (std::size_t column = last; column < n; column += side) {
      const std::size_t lines = std::min(side, n - column);
      // Packing lines that run along memory transposes them.
      run_pack(table, Pack<T, T>{lines, side, last - first, item + column * c_stride + first, c_stride, 1, square});
      for (std::size_t i = first; i < last; ++i) {
        std::copy_n(square + (i - first) * side, lines, item + i * c_stride + column);
      }
    }
  });
  return done ? Status::ok : Status::cancelled;
}

template Status packed_product<float>(const Execution&, const Product<float, float, float>&) noexcept;
template Status packed_product<double>(const Execution&, const Product<double, double, double>&) noexcept;
template Status packed_product<double>(const Execution&, const Product<float, float, double>&) noexcept;
template Status packed_product<float>(const Execution&, const Product<float, float, double>&) noexcept;
template Status packed_product<float>(const Execution&, const Product<double, double, double>&) noexcept;
template Status packed_product<float>(const Execution&, const Product<std::uint16_t, std::uint16_t, double>&) noexcept;
template Status packed_product<double>(const Execution&, const Product<std::uint16_t, std::uint16_t, double>&) noexcept;
template Status mirror_lower(const Execution&, std::size_t, std::size_t, float, float*, std::size_t,
                             std::size_t) noexcept;
template Status mirror_lower(const Execution&, std::size_t, std::size_t, double, double*, std::size_t,
                             std::size_t) noexcept;

}  // namespace gradsift
