#pragma once
// Owned, aligned, uninitialised memory that reports failure instead of throwing.

#include <cstddef>
#include <utility>

#include "native/core/scratch.h"

namespace gradsift {

template <class T>
class Buffer {
 public:
  Buffer() noexcept = default;
  // `count` elements; test with `if (!buffer)` before use. A count of 0 gives a valid empty buffer.
  explicit Buffer(std::size_t count) noexcept {
    if (count > (static_cast<std::size_t>(-1) - kAlignment) / sizeof(T)) return;
    data_ = static_cast<T*>(take_scratch(bytes(count)));
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
  ~Buffer() { give_back_scratch(data_, bytes(count_)); }

  explicit operator bool() const noexcept { return data_ != nullptr; }
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return count_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  static std::size_t bytes(std::size_t count) noexcept { return count * sizeof(T) + 1; }

  T* data_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace gradsift
