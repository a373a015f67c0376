#include "native/binding/operations.h"
#include "native/linalg/zip.h"

namespace gradsift::binding {

// 0 x, 1 y, 2 out, 3 operation (0 add, 1 subtract, 2 multiply, 3 divide), 4 rows, 5 columns, 6 row stride of x, 7 its
// column stride (0 or 1), 8 row stride of y, 9 its column stride
std::unique_ptr<Operation> prepare_zip(const Arguments& arguments) {
  const auto which = static_cast<ZipOperation>(arguments.size(3) & 3);
  const std::size_t rows = arguments.size(4), columns = arguments.size(5);
  const auto input = [&](std::size_t array, std::size_t strides) {
    const std::size_t row = arguments.size(strides), column = arguments.flag(strides + 1) ? 1 : 0;
    const std::size_t length = arguments.span(1, 0, rows, row, column == 0 && columns > 0 ? 1 : columns);
    return ZipInput{arguments.array<float>(array, length).data, row, column};
  };
  const ZipInput x = input(0, 6), y = input(1, 8);
  float* out = arguments.array<float>(2, arguments.product({rows, columns})).data;
  return operation(
      [=](const Execution& execution) noexcept { return zip(execution, which, rows, columns, x, y, out); });
}

}  // namespace gradsift::binding
