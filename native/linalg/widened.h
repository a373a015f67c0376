#pragma once
// Float64 eyes on an array of either type.

#include <cstddef>
#include <type_traits>

#include "native/core/buffer.h"
#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/linalg/elementwise.h"

namespace gradsift {

// A float64 view of an array: the array itself, or a widened copy.
template <class T>
class Widened {
 public:
  Status open(const Execution& execution, std::size_t rows, std::size_t columns, const T* x) noexcept {
    if constexpr (std::is_same_v<T, double>) {
      data_ = x;
      return Status::ok;
    } else {
      copy_ = Buffer<double>(rows * columns);
      if (!copy_) return Status::out_of_memory;
      data_ = copy_.data();
      double* out = copy_.data();
      return for_each_row(execution, rows, columns,
                          [=](std::size_t i) { convert(columns, x + i * columns, 1, out + i * columns); });
    }
  }
  const double* data() const noexcept { return data_; }

 private:
  Buffer<double> copy_;
  const double* data_ = nullptr;
};

}  // namespace gradsift
