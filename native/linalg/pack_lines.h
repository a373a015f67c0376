#pragma once
// Lines of any type and layout, packed into the panels that the register tiles read.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "native/core/buffer.h"
#include "native/kernels/table.h"
#include "native/linalg/packed_product.h"

namespace gradsift {

// Depth of one call to a packing kernel: its rows of B, 4 KiB apart or more, are then still in the first-level TLB when
// the next panel reads on.
inline constexpr std::size_t kPackDepth = 32;

inline void run_pack(const KernelTable& table, const Pack<float, float>& pack) noexcept { table.pack_f32(pack); }
inline void run_pack(const KernelTable& table, const Pack<double, double>& pack) noexcept { table.pack_f64(pack); }
inline void run_pack(const KernelTable& table, const Pack<float, double>& pack) noexcept { table.pack_f32_f64(pack); }
inline void run_pack(const KernelTable& table, const Pack<double, float>& pack) noexcept { table.pack_f64_f32(pack); }

// Packs lines [first, first + lines) of one item, depths [start, start + depth), into panels [depth][width] each.
template <class From, class To>
void pack_panels(const KernelTable& table, const Lines<From>& source, std::size_t item, std::size_t first,
                 std::size_t lines, std::size_t width, std::size_t start, std::size_t depth, To* panels) noexcept {
  const std::size_t run = source.depth_run != 0 ? source.depth_run : start + depth;
  for (std::size_t p = start; p < start + depth;) {
    const std::size_t inside = p % run;
    // Lines whose depth runs along memory are read to the end; others in pieces.
    const std::size_t piece = source.depth_stride == 1 ? depth : kPackDepth;
    const std::size_t count = std::min({run - inside, start + depth - p, piece});
    const From* from = source.data + item * source.batch_stride + first * source.line_stride +
                       (p / run) * source.run_stride + inside * source.depth_stride;
    for (std::size_t line = 0; line < lines; line += width) {
      run_pack(table,
               Pack<From, To>{std::min(width, lines - line), width, count, from + line * source.line_stride,
                              source.line_stride, source.depth_stride, panels + line * depth + (p - start) * width});
    }
    p += count;
  }
}

// The same for 16-bit lines: pieces of them are widened into the first-level cache and packed from there.
template <class To>
void pack_panels(const KernelTable& table, bool bf16, const Lines<std::uint16_t>& source, std::size_t item,
                 std::size_t first, std::size_t lines, std::size_t width, std::size_t start, std::size_t depth,
                 To* panels) noexcept {
  constexpr std::size_t piece_lines = 256, piece_depth = 128;  // side by side, or one after the other
  alignas(kAlignment) float wide[kPackDepth * piece_lines];
  const auto widen = bf16 ? table.widen_bf16 : table.widen_f16;
  const bool side_by_side = source.line_stride == 1;
  const std::size_t most = side_by_side ? piece_lines / width * width : width;
  const std::size_t run = source.depth_run != 0 ? source.depth_run : start + depth;
  for (std::size_t p = start; p < start + depth;) {
    const std::size_t inside = p % run;
    const std::size_t count = std::min({run - inside, start + depth - p, side_by_side ? kPackDepth : piece_depth});
    for (std::size_t line = 0; line < lines; line += most) {
      const std::size_t wanted = std::min(most, lines - line);
      const std::uint16_t* from = source.data + item * source.batch_stride + (first + line) * source.line_stride +
                                  (p / run) * source.run_stride + inside * source.depth_stride;
      if (side_by_side) {
        for (std::size_t q = 0; q < count; ++q) widen(from + q * source.depth_stride, wanted, wide + q * piece_lines);
      } else {
        for (std::size_t l = 0; l < wanted; ++l) widen(from + l * source.line_stride, count, wide + l * piece_depth);
      }
      const std::size_t line_stride = side_by_side ? 1 : piece_depth, depth_stride = side_by_side ? piece_lines : 1;
      for (std::size_t l = 0; l < wanted; l += width) {
        run_pack(table, Pack<float, To>{std::min(width, wanted - l), width, count, wide + l * line_stride, line_stride,
                                        depth_stride, panels + (line + l) * depth + (p - start) * width});
      }
    }
    p += count;
  }
}

// The same for pairs of bfloat16; depths in pairs.
inline void pack_pairs(const KernelTable& table, const Lines<std::uint16_t>& source, std::size_t item,
                       std::size_t first, std::size_t lines, std::size_t width, std::size_t start, std::size_t depth,
                       bool odd, float* panels) noexcept {
  for (std::size_t p = 0; p < depth; p += kPackDepth / 2) {
    const std::size_t count = std::min(kPackDepth / 2, depth - p);
    const std::uint16_t* from =
        source.data + item * source.batch_stride + first + 2 * (start + p) * source.depth_stride;
    for (std::size_t line = 0; line < lines; line += width) {
      table.pack_bf16({std::min(width, lines - line), width, count, from + line, source.depth_stride,
                       odd && p + count == depth, panels + line * depth + p * width});
    }
  }
}

}  // namespace gradsift
