// The index arithmetic of native/cuda/tiles.h: every tile, piece and fragment covers its elements once, and no read of
// a warp meets itself in a bank of shared memory. Prints what fails, then a total.

#include "native/cuda/tiles.h"

#include <cstdio>
#include <map>
#include <set>
#include <utility>

namespace gradsift::cuda {

namespace {

using Pair = std::pair<unsigned, unsigned>;

int compared = 0, failed = 0;

void expect(bool passed, const char* what, unsigned a = 0, unsigned b = 0) {
  ++compared;
  if (passed) return;
  ++failed;
  std::printf("FAILED %s %u %u\n", what, a, b);
}

void tile_orders() {
  std::set<Pair> seen;
  for (unsigned index = 0; index < 40 * 41 / 2; ++index) {
    const TilePlace at = lower_tile(index);
    expect(at.column <= at.row && at.row < 40, "lower tile", index);
    seen.insert({at.row, at.column});
  }
  expect(seen.size() == 40 * 41 / 2, "lower tiles: each once");
  for (const unsigned row : {1u, 1000u, 46340u, 65534u}) {  // first and last of a row, up to the largest index
    const unsigned first = row % 2 == 0 ? row / 2 * (row + 1) : (row + 1) / 2 * row;
    const TilePlace start = lower_tile(first), end = lower_tile(first + row);
    expect(start.row == row && start.column == 0, "lower tile, first", row);
    expect(end.row == row && end.column == row, "lower tile, last", row);
  }
  for (const unsigned rows : {1u, 7u, 8u, 9u, 33u}) {
    for (const unsigned columns : {1u, 3u, 20u}) {
      seen.clear();
      for (unsigned index = 0; index < rows * columns; ++index) {
        const TilePlace at = grouped_tile(index, rows, columns);
        expect(at.row < rows && at.column < columns, "grouped tile", rows, columns);
        seen.insert({at.row, at.column});
      }
      expect(seen.size() == rows * columns, "grouped tiles: each once", rows, columns);
    }
  }
}

// fragment(lane, e) for e < each covers rows x columns once.
template <class Fragment>
void covers(const char* what, unsigned each, unsigned rows, unsigned columns, const Fragment& fragment) {
  std::set<Pair> seen;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    for (unsigned e = 0; e < each; ++e) seen.insert(fragment(lane, e));
  }
  bool inside = true;
  for (const Pair& at : seen) inside = inside && at.first < rows && at.second < columns;
  expect(inside && seen.size() == rows * columns, what, rows, columns);
}

void fragments() {
  const auto place = [](TilePlace at) { return Pair{at.row, at.column}; };
  const auto element = [](Element at) { return Pair{at.line, at.depth}; };
  covers("accumulators", 4, 16, 8, [&](unsigned lane, unsigned e) { return place(accumulator_place(lane, e)); });
  covers("tf32 A", 4, 16, 8, [&](unsigned lane, unsigned e) { return element(tf32_a(lane, e)); });
  covers("tf32 B", 2, 8, 8, [&](unsigned lane, unsigned e) { return element(tf32_b(lane, e)); });
  covers("f64 sums", 2, 8, 8, [&](unsigned lane, unsigned e) { return place(f64_place(lane, e)); });
  covers("f64 operand", 1, 8, 4, [&](unsigned lane, unsigned) { return element(f64_operand(lane)); });
  for (const bool along : {false, true}) {  // each lane points to eight elements in a row
    const auto eight = [along](Element at, unsigned i) {
      return along ? Pair{at.line, at.depth + i} : Pair{at.line + i, at.depth};
    };
    covers("half A", 8, 16, 16, [&](unsigned lane, unsigned i) { return eight(half_a(lane, along), i); });
    covers("half B", 8, 16, 16, [&](unsigned lane, unsigned i) { return eight(half_b(lane, along), i); });
  }
}

// The most accesses that one of 32 banks serves for `lanes` reads of `bytes`, each at byte address(lane).
template <class Address>
unsigned conflicts(unsigned lanes, unsigned bytes, const Address& address) {
  std::map<unsigned, std::set<unsigned>> words;  // by bank
  for (unsigned lane = 0; lane < lanes; ++lane) {
    for (unsigned word = 0; word < bytes / 4; ++word) {
      const unsigned at = address(lane) / 4 + word;
      words[at % 32].insert(at);
    }
  }
  unsigned most = 0;
  for (const auto& [bank, used] : words) most = used.size() > most ? static_cast<unsigned>(used.size()) : most;
  return most;
}

template <class Tile, class In, unsigned kThreads>
void pieces(const char* what) {
  using Mine = Pieces<Tile, In, kThreads>;
  std::set<Pair> seen;
  bool aligned = true;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    for (unsigned i = 0; i < Mine::kEach; ++i) {
      const Element at = Mine::first(thread, i);
      aligned = aligned && Tile::offset(at) * sizeof(In) % 16 == 0;
      for (unsigned e = 0; e < Mine::kElements; ++e) {
        seen.insert(Tile::kAlongDepth ? Pair{at.line, at.depth + e} : Pair{at.line + e, at.depth});
      }
    }
  }
  bool inside = true;
  for (const Pair& at : seen) inside = inside && at.first < Tile::kLines && at.second < Tile::kDepth;
  expect(inside && seen.size() == Tile::kLines * Tile::kDepth, what, Tile::kLines, Tile::kDepth);
  expect(aligned, what);
}

template <bool kAlong>
void banks() {
  using Floats = SharedTile<float, 128, 16, kAlong>;
  using Halves = SharedTile<unsigned short, 128, 32, kAlong>;
  using Doubles = SharedTile<double, 64, 16, kAlong>;
  using Narrow = SharedTile<float, 64, 16, kAlong>;
  pieces<Floats, float, 256>("pieces of float32");
  pieces<Halves, unsigned short, 256>("pieces of 16 bits");
  pieces<Doubles, double, 128>("pieces of float64");
  pieces<Narrow, float, 128>("pieces of float32 for float64 products");
  for (unsigned e = 0; e < 4; ++e) {
    expect(conflicts(32, 4, [e](unsigned l) { return 4 * Floats::offset(tf32_a(l, e)); }) == 1, "banks, tf32 A", kAlong,
           e);
  }
  for (unsigned e = 0; e < 2; ++e) {
    expect(conflicts(32, 4, [e](unsigned l) { return 4 * Floats::offset(tf32_b(l, e)); }) == 1, "banks, tf32 B", kAlong,
           e);
  }
  for (unsigned q = 0; q < 4; ++q) {  // load_matrices fetches one matrix, eight rows of 16 bytes, at a time
    expect(conflicts(8, 16, [q](unsigned l) { return 2 * Halves::offset(half_a(8 * q + l, kAlong)); }) == 1,
           "banks, half A", kAlong, q);
    expect(conflicts(8, 16, [q](unsigned l) { return 2 * Halves::offset(half_b(8 * q + l, kAlong)); }) == 1,
           "banks, half B", kAlong, q);
  }
  for (unsigned half = 0; half < 2; ++half) {  // 8-byte reads go by half warps
    const auto address = [half](unsigned l) { return 8 * Doubles::offset(f64_operand(16 * half + l)); };
    expect(conflicts(16, 8, address) == 1, "banks, f64", kAlong, half);
  }
  expect(conflicts(32, 4, [](unsigned l) { return 4 * Narrow::offset(f64_operand(l)); }) == 1, "banks, f32 in f64",
         kAlong);
}

template <unsigned kOrder>
void small_banks() {
  using Tile = SharedTile<float, kOrder, kOrder, true>;
  for (unsigned e = 0; e < 4; ++e) {
    expect(conflicts(32, 4, [e](unsigned l) { return 4 * Tile::offset(tf32_a(l, e)); }) == 1, "banks, small A", kOrder,
           e);
  }
  expect(conflicts(32, 4, [](unsigned l) { return 4 * Tile::offset({0, l}); }) == 1, "banks, a row", kOrder);
}

int run() {
  tile_orders();
  fragments();
  banks<true>();
  banks<false>();
  small_banks<32>();
  small_banks<64>();
  small_banks<96>();
  small_banks<128>();
  std::printf("tiles: %d checks, %d failed\n", compared, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

}  // namespace gradsift::cuda

int main() { return gradsift::cuda::run(); }
