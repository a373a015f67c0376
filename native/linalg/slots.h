#pragma once
// Scratch space for as many tasks as run at the same time.

#include <atomic>
#include <cstddef>
#include <new>

#include "native/core/buffer.h"

namespace gradsift {

template <class T>
class Slots {
 public:
  Slots() noexcept = default;
  Slots(std::size_t count, std::size_t elements) noexcept
      : elements_(elements), memory_(count * elements), taken_(count) {
    for (std::size_t slot = 0; taken_ && slot < count; ++slot) new (&taken_[slot]) std::atomic<bool>(false);
  }
  explicit operator bool() const noexcept { return static_cast<bool>(memory_) && static_cast<bool>(taken_); }

  std::size_t take() noexcept {
    std::size_t slot = 0;
    while (taken_[slot].exchange(true, std::memory_order_acquire)) slot = (slot + 1) % taken_.size();
    return slot;
  }
  T* at(std::size_t slot) noexcept { return memory_.data() + slot * elements_; }
  void give_back(std::size_t slot) noexcept { taken_[slot].store(false, std::memory_order_release); }

 private:
  std::size_t elements_ = 0;
  Buffer<T> memory_;
  Buffer<std::atomic<bool>> taken_;
};

}  // namespace gradsift
