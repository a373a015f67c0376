#include "native/linalg/strided_copy.h"

#include <cstring>

#include "native/linalg/elementwise.h"

namespace gradsift {

Status strided_copy(const Execution& execution, const StridedCopy& copy) noexcept {
  std::size_t rows = 1;
  for (const std::size_t size : copy.sizes) rows *= size;
  return for_each_row(execution.for_pass(rows * copy.run), rows, copy.run, [&](std::size_t row) {
    std::size_t from = 0, to = 0;
    for (std::size_t dimension = kCopyDimensions; dimension-- > 0; row /= copy.sizes[dimension]) {
      const std::size_t at = row % copy.sizes[dimension];
      from += at * copy.x_strides[dimension];
      to += at * copy.out_strides[dimension];
    }
    std::memcpy(copy.out + to, copy.x + from, copy.run * sizeof(float));
  });
}

}  // namespace gradsift
