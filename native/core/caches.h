#pragma once
// Sizes of the second-level and the last cache, for blocks that are to stay in them. Speed depends on them; results
// never do.

#include <cstddef>

namespace gradsift {

struct Caches {
  // What a core has to itself, and what all cores share. Where a machine does not say: the least of the last ten years.
  std::size_t second = std::size_t{256} << 10;
  std::size_t last = std::size_t{8} << 20;
};

// Of this machine; read once.
const Caches& caches() noexcept;

// The size that Linux writes as "48K", "1024K" or "32M" (a line end may follow); 0 for anything else.
std::size_t cache_size(const char* text) noexcept;

// Notes one cache of a machine: its level (from 1) and its bytes; nothing for a first level or a size of 0.
void add_cache(Caches& caches, unsigned level, std::size_t bytes) noexcept;

// How a matrix product is blocked, in bytes. Depth blocks are not among these: the order of summation must not follow a
// machine.
struct ProductBlocks {
  std::size_t a;         // packed A: a quarter of the second level, beside the panels of B that stream through
  std::size_t b;         // packed B: an eighth of the last level, which belongs to others too
  std::size_t in_place;  // a B that is read where it lies: as much as the second level holds
};
ProductBlocks product_blocks(const Caches& caches) noexcept;

}  // namespace gradsift
