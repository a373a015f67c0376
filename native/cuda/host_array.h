#pragma once
// Host memory of a scope that reports failure instead of throwing; zero at first.

#include <cstddef>
#include <new>

namespace gradsift::cuda {

template <class T>
class HostArray {
 public:
  HostArray() noexcept = default;
  HostArray(const HostArray&) = delete;
  HostArray& operator=(const HostArray&) = delete;
  ~HostArray() { delete[] data_; }

  bool open(std::size_t count) noexcept {
    delete[] data_;
    data_ = new (std::nothrow) T[count]();
    return data_ != nullptr;
  }
  T* data() noexcept { return data_; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
};

}  // namespace gradsift::cuda
