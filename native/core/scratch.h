#pragma once
// Scratch memory that is used again: a fresh page costs a fault and its zeroing, on large matrices more than the
// arithmetic that follows.

#include <cstddef>

namespace gradsift {

// One cache line, and the width of the widest vector register we use.
inline constexpr std::size_t kAlignment = 64;

// At least `bytes` (> 0), aligned to kAlignment, uninitialised; null when there is no memory.
void* take_scratch(std::size_t bytes) noexcept;
// Gives back what take_scratch(bytes) returned. Large blocks are kept for the next taker, up to kKeptScratch in all.
void give_back_scratch(void* memory, std::size_t bytes) noexcept;

inline constexpr std::size_t kKeptScratch = std::size_t{128} << 20;

}  // namespace gradsift
