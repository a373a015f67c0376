#pragma once
// Owned, aligned, uninitialised memory that reports failure instead of throwing.

#include <cstddef>
#include <cstdlib>
#include <utility>

namespace gradsift {

// One cache line, and the width of the widest vector register we use.
inline constexpr std::size_t kAlignment = 64;

template <class T>
class Buffer {
 public:
  Buffer() noexcept = default;
  // `count` elements; test with `if (!buffer)` before use. A count of 0 gives a valid empty buffer.
  explicit Buffer(std::size_t count) noexcept {
    if (count > (static_cast<std::size_t>(-1) - kAlignment) / sizeof(T)) return;
    const std::size_t bytes = (count * sizeof(T) + kAlignment) / kAlignment * kAlignment;
    data_ = static_cast<T*>(std::aligned_alloc(kAlignment, bytes));
    if (data_ != nullptr) count_ = count;
  }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  explicit operator bool() const noexcept { return data_ != nullptr; }
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return count_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace gradsift
