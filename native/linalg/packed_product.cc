#include "native/linalg/packed_product.h"

#include <algorithm>
#include <type_traits>

#include "native/core/buffer.h"
#include "native/kernels/table.h"

namespace gradsift {

namespace {

// Packed at a time: at most kSuperBlocks depth blocks (a tile of C is fetched once for all of them) of kSuperLines
// lines of each operand. 2048 x 1024 floats = 8 MiB: shares a third-level cache; each value is used up to 2048 times.
constexpr std::size_t kSuperBlocks = 4;
constexpr std::size_t kSuperLines = 2048;
// Lines of A in one task: 168 x kDepthBlock doubles = 336 KiB, in a second-level cache beside what streams through.
// 168 is a multiple of 4, 6, 8, 12 and 14, the rows of our register tiles.
constexpr std::size_t kTaskRows = 168;
constexpr std::size_t kTaskColumns = 256;
// Small matrices of a batch are packed together until the panels fill this many elements.
constexpr std::size_t kBatchElements = std::size_t{1} << 19;
// Lines packed by one task.
constexpr std::size_t kPackLines = 56;

constexpr std::size_t divide_up(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }

template <class T>
const TileKernel<T>& tile_kernel(const KernelTable& table) noexcept {
  if constexpr (std::is_same_v<T, float>)
    return *table.tile_f32;
  else
    return *table.tile_f64;
}

void run_pack(const KernelTable& table, const Pack<float, float>& pack) noexcept { table.pack_f32(pack); }
void run_pack(const KernelTable& table, const Pack<double, double>& pack) noexcept { table.pack_f64(pack); }
void run_pack(const KernelTable& table, const Pack<float, double>& pack) noexcept { table.pack_f32_f64(pack); }
void run_pack(const KernelTable& table, const Pack<double, float>& pack) noexcept { table.pack_f64_f32(pack); }

// Panels of one operand: for each item, for each depth block, for each panel, [depth][width].
struct PanelLayout {
  std::size_t width = 0, panels = 0, depth = 0, depth_block = 0;

  std::size_t item_elements() const noexcept { return panels * width * depth; }
  std::size_t offset(std::size_t item, std::size_t first_depth, std::size_t panel) const noexcept {
    const std::size_t block = std::min(depth_block, depth - first_depth);
    return item * item_elements() + panels * width * first_depth + panel * width * block;
  }
};

// Packs `lines` lines starting at `first` (their panel starts at `panel`), depths [start, start + depth) of the source.
template <class From, class To>
void pack_panel(const KernelTable& table, const Lines<From>& source, std::size_t item, std::size_t first,
                std::size_t lines, std::size_t width, std::size_t start, std::size_t depth, To* panel) noexcept {
  const From* base = source.data + item * source.batch_stride + first * source.line_stride;
  const std::size_t run = source.depth_run != 0 ? source.depth_run : start + depth;
  for (std::size_t p = start; p < start + depth;) {
    const std::size_t inside = p % run;
    const std::size_t count = std::min(run - inside, start + depth - p);
    const From* from = base + (p / run) * source.run_stride + inside * source.depth_stride;
    run_pack(table, Pack<From, To>{lines, width, count, from, source.line_stride, source.depth_stride,
                                   panel + (p - start) * width});
    p += count;
  }
}

// The part of a product whose operands are packed at one time.
struct Part {
  std::size_t item = 0, items = 0;                         // batch items
  std::size_t row = 0, rows = 0, column = 0, columns = 0;  // of C
  std::size_t start = 0, depth = 0;                        // of k
};

template <class Packed, class A, class B, class C>
class Engine {
 public:
  Engine(const Execution& execution, const Product<A, B, C>& product) noexcept
      : execution_(execution), product_(product), table_(kernels()), kernel_(tile_kernel<Packed>(table_)) {}

  Status run() noexcept {
    if (product_.batch == 0 || product_.m == 0 || product_.n == 0) return Status::ok;
    const std::size_t depth = std::min(product_.k, kSuperBlocks * product_.depth_block);
    const std::size_t rows = std::min(product_.m, kSuperLines / kernel_.rows * kernel_.rows);
    const std::size_t columns = std::min(product_.n, kSuperLines);
    const bool whole = rows == product_.m && columns == product_.n && depth == product_.k;
    const std::size_t item_elements = std::max<std::size_t>(1, (rows + columns) * depth);
    const std::size_t items = whole ? std::clamp<std::size_t>(kBatchElements / item_elements, 1, product_.batch) : 1;
    // One panel of A uses each value of B once: B is read where it lies, if its lines lie side by side.
    if constexpr (std::is_same_v<B, Packed>) {
      direct_b_ = product_.m <= kernel_.rows && product_.b.line_stride == 1 && product_.b.depth_run == 0;
    }
    a_layout_ = {kernel_.rows, divide_up(rows, kernel_.rows), depth, product_.depth_block};
    b_layout_ = {kernel_.columns, divide_up(columns, kernel_.columns), depth, product_.depth_block};
    a_panels_ = Buffer<Packed>((product_.a.batch_stride == 0 ? 1 : items) * a_layout_.item_elements());
    b_panels_ = Buffer<Packed>(direct_b_ ? 0 : (product_.b.batch_stride == 0 ? 1 : items) * b_layout_.item_elements());
    if (!a_panels_ || !b_panels_) return Status::out_of_memory;
    for (std::size_t item = 0; item < product_.batch; item += items) {
      const Part part{item, std::min(items, product_.batch - item), 0, rows, 0, columns, 0, depth};
      if (!run_items(part)) return Status::cancelled;
    }
    return Status::ok;
  }

 private:
  // k outermost: each element of C takes its depth blocks in order.
  bool run_items(Part part) noexcept {
    const Part step = part;
    do {
      part.depth = std::min(step.depth, product_.k - part.start);
      a_layout_.depth = b_layout_.depth = part.depth;
      for (part.column = 0; part.column < product_.n; part.column += step.columns) {
        part.columns = std::min(step.columns, product_.n - part.column);
        b_layout_.panels = divide_up(part.columns, kernel_.columns);
        if (!direct_b_ && !pack(product_.b, part, part.column, part.columns, b_layout_, b_panels_)) return false;
        for (part.row = 0; part.row < product_.m; part.row += step.rows) {
          part.rows = std::min(step.rows, product_.m - part.row);
          if (product_.lower && part.row + part.rows <= part.column) continue;
          a_layout_.panels = divide_up(part.rows, kernel_.rows);
          if (!pack(product_.a, part, part.row, part.rows, a_layout_, a_panels_)) return false;
          if (!multiply(part)) return false;
        }
      }
      part.start += part.depth;
    } while (part.start < product_.k);
    return true;
  }

  template <class From>
  bool pack(const Lines<From>& source, const Part& part, std::size_t first, std::size_t lines,
            const PanelLayout& layout, Buffer<Packed>& panels) noexcept {
    const std::size_t items = source.batch_stride == 0 ? 1 : part.items;
    const std::size_t group = std::max<std::size_t>(1, kPackLines / layout.width);
    const std::size_t groups = divide_up(layout.panels, group);
    return execution_.parallel(items * groups, [&](std::size_t task) {
      const std::size_t item = task / groups;
      const std::size_t begin = task % groups * group;
      for (std::size_t panel = begin; panel < std::min(begin + group, layout.panels); ++panel) {
        const std::size_t line = panel * layout.width;
        for (std::size_t p = 0; p < part.depth; p += product_.depth_block) {
          pack_panel(table_, source, part.item + item, first + line, std::min(layout.width, lines - line), layout.width,
                     part.start + p, std::min(product_.depth_block, part.depth - p),
                     panels.data() + layout.offset(item, p, panel));
        }
      }
    });
  }

  bool multiply(const Part& part) noexcept {
    const std::size_t task_columns = divide_up(kTaskColumns, kernel_.columns) * kernel_.columns;
    const std::size_t task_rows = divide_up(kTaskRows, kernel_.rows) * kernel_.rows;
    const std::size_t down = divide_up(part.rows, task_rows);
    const std::size_t across = divide_up(part.columns, task_columns);
    return execution_.parallel(part.items * down * across, [&](std::size_t task) {
      Part block = part;
      block.item = task / (down * across);  // within the part
      // Longest rows of the triangle first: the short tasks at the end even out the threads.
      const std::size_t row = (down - 1 - task / across % down) * task_rows;
      const std::size_t column = task % across * task_columns;
      block.rows = std::min(task_rows, part.rows - row);
      block.columns = std::min(task_columns, part.columns - column);
      multiply_block(part, block.item, row, block.rows, column, block.columns);
    });
  }

  // One task: the block of C at (row, column) of the part, over the part's depth.
  void multiply_block(const Part& part, std::size_t item, std::size_t row, std::size_t rows, std::size_t column,
                      std::size_t columns) noexcept {
    for (std::size_t p = 0; p < part.depth || p == 0; p += product_.depth_block) {
      const double beta = part.start + p == 0 ? product_.beta : 1;
      for (std::size_t j = column; j < column + columns; j += kernel_.columns) {
        for (std::size_t i = row; i < row + rows; i += kernel_.rows) {
          std::size_t width = std::min(kernel_.columns, column + columns - j);
          const std::size_t height = std::min(kernel_.rows, row + rows - i);
          if (product_.lower) {
            const std::size_t last_row = part.row + i + height;  // elements of C right of it lie above the diagonal
            if (last_row <= part.column + j) continue;
            width = std::min(width, last_row - (part.column + j));
          }
          multiply_tile(part, item, i, height, j, width, p, beta);
        }
      }
    }
  }

  void multiply_tile(const Part& part, std::size_t item, std::size_t i, std::size_t rows, std::size_t j,
                     std::size_t columns, std::size_t p, double beta) noexcept {
    Tile<Packed> tile;
    tile.rows = rows;
    tile.columns = columns;
    tile.depth = std::min(product_.depth_block, part.depth - p);
    const std::size_t a_item = product_.a.batch_stride == 0 ? 0 : item;
    tile.a = a_panels_.data() + a_layout_.offset(a_item, p, i / kernel_.rows);
    if (direct_b_) {
      if constexpr (std::is_same_v<B, Packed>) {
        tile.b = product_.b.data + (part.item + item) * product_.b.batch_stride +
                 (part.start + p) * product_.b.depth_stride + part.column + j;
      }
      tile.b_stride = product_.b.depth_stride;
    } else {
      const std::size_t b_item = product_.b.batch_stride == 0 ? 0 : item;
      tile.b = b_panels_.data() + b_layout_.offset(b_item, p, j / kernel_.columns);
      tile.b_stride = kernel_.columns;
    }
    C* c = product_.c + (part.item + item) * product_.c_batch_stride + (part.row + i) * product_.c_stride +
           part.column + j;
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
      table_.merge_f32({rows, columns, sums, kernel_.columns, product_.alpha, beta, c, product_.c_stride});
    }
  }

  const Execution& execution_;
  const Product<A, B, C>& product_;
  const KernelTable& table_;
  const TileKernel<Packed>& kernel_;
  bool direct_b_ = false;
  PanelLayout a_layout_, b_layout_;
  Buffer<Packed> a_panels_, b_panels_;
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
  const bool done = execution.parallel(batch * stripes, [&](std::size_t task) {
    T* item = c + task / stripes * c_batch_stride;
    const std::size_t first = task % stripes * side;  // rows [first, last) of the upper triangle are written
    const std::size_t last = std::min(n, first + side);
    for (std::size_t i = first; i < last; ++i) item[i * c_stride + i] += gamma;
    for (std::size_t column = first; column < n; column += side) {
      for (std::size_t i = first; i < last; ++i) {
        for (std::size_t j = std::max(column, i + 1); j < std::min(n, column + side); ++j) {
          item[i * c_stride + j] = item[j * c_stride + i];
        }
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
template Status mirror_lower(const Execution&, std::size_t, std::size_t, float, float*, std::size_t,
                             std::size_t) noexcept;
template Status mirror_lower(const Execution&, std::size_t, std::size_t, double, double*, std::size_t,
                             std::size_t) noexcept;

}  // namespace gradsift
