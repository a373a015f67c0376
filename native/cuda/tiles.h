#pragma once
// Which thread holds which element, which block which tile, and where an element lies in shared memory: functions of
// numbers alone, compiled for the device and for the tests of the host (test/native/cuda/tiles.cc).

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace gradsift::cuda {

inline constexpr unsigned kWarp = 32;

struct TilePlace {
  unsigned row, column;
};

// Tile `index` of the lower triangle, by rows: (0,0), (1,0), (1,1), (2,0) ...
__host__ __device__ constexpr TilePlace lower_tile(unsigned index) {
  unsigned row = 0;
  // Bit by bit the largest row whose triangle starts at or before the index: 16 steps, no square root to round.
  for (unsigned bit = 1u << 15; bit != 0; bit >>= 1) {
    const std::uint64_t next = row + bit;
    if (next * (next + 1) / 2 <= index) row += bit;
  }
  return {row, index - row * (row + 1) / 2};
}

// Blocks that run at the same time take tiles of few rows and columns: their operands are then found in the L2 cache.
inline constexpr unsigned kGroupRows = 8;

// Tile `index` of rows x columns tiles: groups of kGroupRows rows, down the columns of each group.
__host__ __device__ constexpr TilePlace grouped_tile(unsigned index, unsigned rows, unsigned columns) {
  const unsigned group = index / (kGroupRows * columns), first = group * kGroupRows;
  const unsigned height = rows - first < kGroupRows ? rows - first : kGroupRows;
  const unsigned inside = index - first * columns;
  return {first + inside % height, inside / height};
}

// Fragments of the matrix instructions. `line` is a row of A or a column of B (a row of B').
struct Element {
  unsigned line, depth;
};
// 16 x 8 accumulators of mma_tf32, mma_bf16, mma_f16.
__host__ __device__ constexpr TilePlace accumulator_place(unsigned lane, unsigned e) {
  return {lane / 4 + (e >= 2 ? 8 : 0), 2 * (lane % 4) + e % 2};
}
__host__ __device__ constexpr Element tf32_a(unsigned lane, unsigned e) {
  return {lane / 4 + (e % 2) * 8, lane % 4 + (e / 2) * 4};
}
__host__ __device__ constexpr Element tf32_b(unsigned lane, unsigned e) { return {lane / 4, lane % 4 + e * 4}; }
// 8 x 8 accumulators and operands of mma_f64.
__host__ __device__ constexpr TilePlace f64_place(unsigned lane, unsigned e) { return {lane / 4, 2 * (lane % 4) + e}; }
__host__ __device__ constexpr Element f64_operand(unsigned lane) { return {lane / 4, lane % 4}; }

// What a lane points to when load_matrices() fetches the 16 x 16 A of mma_bf16 and mma_f16. along_depth: a row of
// shared memory is a line; else it is a depth, and the load transposes.
__host__ __device__ constexpr Element half_a(unsigned lane, bool along_depth) {
  const unsigned matrix = lane / 8, row = lane % 8;
  return along_depth ? Element{(matrix % 2) * 8 + row, (matrix / 2) * 8}
                     : Element{(matrix % 2) * 8, (matrix / 2) * 8 + row};
}
// The same for two 8 x 16 B side by side: out[0], out[1] are the operand of the first, out[2], out[3] of the second.
__host__ __device__ constexpr Element half_b(unsigned lane, bool along_depth) {
  const unsigned matrix = lane / 8, row = lane % 8;
  return along_depth ? Element{(matrix / 2) * 8 + row, (matrix % 2) * 8}
                     : Element{(matrix / 2) * 8, (matrix % 2) * 8 + row};
}

// Elements that keep the rows of shared memory 16-byte aligned and the reads of a warp free of bank conflicts: a row
// of 16-bit values is read as eight 16-byte rows at a time, a row of words by 8 lines x 4 depths, a row of doubles by
// 4 x 4 in each half warp.
__host__ __device__ constexpr unsigned row_padding(unsigned element_bytes, bool along_depth) {
  return element_bytes == 2 ? 8 : element_bytes == 4 && !along_depth ? 8 : 4;
}

// kLines x kDepth elements of an operand in shared memory, stored the way they lie in global memory.
template <class In, unsigned kLines_, unsigned kDepth_, bool kAlongDepth_>
struct SharedTile {
  static constexpr unsigned kLines = kLines_, kDepth = kDepth_;
  static constexpr bool kAlongDepth = kAlongDepth_;
  static constexpr unsigned kRows = kAlongDepth ? kLines : kDepth;
  static constexpr unsigned kLength = kAlongDepth ? kDepth : kLines;
  static constexpr unsigned kStride = kLength + row_padding(sizeof(In), kAlongDepth);
  static constexpr unsigned kElements = kRows * kStride;
  static_assert(kStride * sizeof(In) % 16 == 0, "rows are copied by 16 bytes");

  __host__ __device__ static constexpr unsigned offset(Element at) {
    return kAlongDepth ? at.line * kStride + at.depth : at.depth * kStride + at.line;
  }
};

// The 16-byte pieces of a tile, dealt to the threads of a block.
template <class Tile, class In, unsigned kThreads>
struct Pieces {
  static constexpr unsigned kElements = 16 / sizeof(In);
  static constexpr unsigned kAcross = Tile::kLength / kElements;
  static constexpr unsigned kEach = Tile::kRows * kAcross / kThreads;
  static_assert(Tile::kRows * kAcross % kThreads == 0, "every thread copies as much");

  // First element of the thread's i-th piece.
  __host__ __device__ static constexpr Element first(unsigned thread, unsigned i) {
    const unsigned piece = thread + i * kThreads, row = piece / kAcross, column = piece % kAcross * kElements;
    return Tile::kAlongDepth ? Element{row, column} : Element{column, row};
  }
};

}  // namespace gradsift::cuda
