#include "native/linalg/zip.h"

#include "native/linalg/elementwise.h"

namespace gradsift {

Status zip(const Execution& execution, ZipOperation operation, std::size_t rows, std::size_t columns, const ZipInput& x,
           const ZipInput& y, float* out) noexcept {
  const TrainingKernels& kernel = *kernels().training_f32;
  const Execution own = execution.for_pass(rows * columns);
  const auto run = [&](std::size_t i, std::size_t first, std::size_t count) {
    kernel.zip({operation, count, x.data + i * x.row_stride + first * x.column_stride, x.column_stride == 0,
                y.data + i * y.row_stride + first * y.column_stride, y.column_stride == 0, out + i * columns + first});
  };
  if (rows == 1) {
    return for_each_part(own, columns, [&](std::size_t first, std::size_t count) { run(0, first, count); });
  }
  return for_each_row(own, rows, columns, [&](std::size_t i) { run(i, 0, columns); });
}

}  // namespace gradsift
