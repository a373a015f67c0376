#include "native/core/scratch.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace gradsift {

namespace {

// Below this a block belongs to the thread that gave it back.
constexpr std::size_t kLarge = std::size_t{64} << 10;
// Pages of this size cost a five-hundredth of the faults and of the entries of a TLB.
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHuge = 2 * kHugePage;

// Large sizes are rounded up to eighths of a power of two, so that what is kept fits requests that are nearly the same;
// the largest to whole huge pages.
std::size_t rounded(std::size_t bytes) noexcept {
  std::size_t step = kAlignment;
  if (bytes >= kLarge) {
    step = kLarge / 8;
    while (step * 16 <= bytes) step *= 2;
    if (bytes >= kHuge) step = std::max(step, kHugePage);
  }
  return bytes > static_cast<std::size_t>(-1) - step ? 0 : (bytes + step - 1) / step * step;
}

void* allocate(std::size_t bytes) noexcept {
  const bool huge = bytes >= kHuge;
  void* memory = std::aligned_alloc(huge ? kHugePage : kAlignment, bytes);
#if defined(__linux__)
  if (huge && memory != nullptr) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

// Blocks given back, oldest first, up to `most` bytes.
class Blocks {
 public:
  explicit Blocks(std::size_t most) noexcept : most_(most) {}
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks() {
    while (count_ > 0) std::free(remove(0));
  }

  void* take(std::size_t bytes) noexcept {
    for (std::size_t i = count_; i-- > 0;) {  // the youngest: likely to be in a cache still
      if (blocks_[i].bytes == bytes) return remove(i);
    }
    return nullptr;
  }

  void keep(void* memory, std::size_t bytes) noexcept {
    while (count_ > 0 && (count_ == blocks_.size() || total_ + bytes > most_)) std::free(remove(0));
    blocks_[count_++] = {memory, bytes};
    total_ += bytes;
  }

 private:
  struct Block {
    void* memory;
    std::size_t bytes;
  };

  void* remove(std::size_t i) noexcept {
    void* memory = blocks_[i].memory;
    total_ -= blocks_[i].bytes;
    for (--count_; i < count_; ++i) blocks_[i] = blocks_[i + 1];
    return memory;
  }

  const std::size_t most_;
  std::array<Block, 64> blocks_{};
  std::size_t count_ = 0, total_ = 0;
};

// Those of all threads.
class Kept {
 public:
  void* take(std::size_t bytes) noexcept {
    std::lock_guard lock(mutex_);
    return blocks_.take(bytes);
  }
  void keep(void* memory, std::size_t bytes) noexcept {
    std::lock_guard lock(mutex_);
    blocks_.keep(memory, bytes);
  }

 private:
  std::mutex mutex_;
  Blocks blocks_{kKeptScratch};
};

// Never destroyed: a pool thread may still give memory back when static destructors run.
Kept& kept() noexcept {
  static Kept* kept = new Kept();
  return *kept;
}

// Smaller blocks, thread by thread: a solve of one small matrix takes a dozen of them, over before the allocator has
// merged its free chunks and returned the pages.
constexpr std::size_t kSmall = std::size_t{1} << 10;
Blocks& own() noexcept {
  thread_local Blocks own(std::size_t{1} << 20);
  return own;
}

// The address sanitizer has to see every block come and go.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kReuse = false;
#else
constexpr bool kReuse = true;
#endif

}  // namespace

void* take_scratch(std::size_t bytes) noexcept {
  const std::size_t size = rounded(bytes);
  if (size == 0) return nullptr;
  void* memory = nullptr;
  if (kReuse && size >= kSmall) memory = size < kLarge ? own().take(size) : kept().take(size);
  return memory != nullptr ? memory : allocate(size);
}

void give_back_scratch(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  const std::size_t size = rounded(bytes);
  if (!kReuse || size < kSmall || size > kKeptScratch) {
    std::free(memory);
  } else if (size < kLarge) {
    own().keep(memory, size);
  } else {
    kept().keep(memory, size);
  }
}

}  // namespace gradsift
