#include "native/binding/operations.h"
#include "native/linalg/softmax.h"

namespace gradsift::binding {

namespace {

struct Rows {
  std::size_t rows, columns, elements;
};

Rows rows_of(const Arguments& arguments, std::size_t index) {
  const std::size_t rows = arguments.size(index), columns = arguments.size(index + 1);
  return {rows, columns, arguments.product({rows, columns})};
}

}  // namespace

// 0 x, 1 y, 2 rows, 3 columns, 4 scale, 5 causal
std::unique_ptr<Operation> prepare_softmax(const Arguments& arguments) {
  const Rows size = rows_of(arguments, 2);
  const Softmax shape{size.rows, size.columns, static_cast<float>(arguments.number(4)), arguments.flag(5)};
  const float* x = arguments.array<float>(0, size.elements).data;
  float* y = arguments.array<float>(1, size.elements).data;
  return operation([=](const Execution& execution) noexcept { return softmax(execution, shape, x, y); });
}

// 0 y, 1 dy, 2 dx, 3 rows, 4 columns, 5 scale, 6 causal
std::unique_ptr<Operation> prepare_softmax_gradient(const Arguments& arguments) {
  const Rows size = rows_of(arguments, 3);
  const Softmax shape{size.rows, size.columns, static_cast<float>(arguments.number(5)), arguments.flag(6)};
  const float* y = arguments.array<float>(0, size.elements).data;
  const float* dy = arguments.array<float>(1, size.elements).data;
  float* dx = arguments.array<float>(2, size.elements).data;
  return operation([=](const Execution& execution) noexcept { return softmax_gradient(execution, shape, y, dy, dx); });
}

// 0 x, 1 labels, 2 losses, 3 rows, 4 columns
std::unique_ptr<Operation> prepare_cross_entropy(const Arguments& arguments) {
  const Rows size = rows_of(arguments, 3);
  const float* x = arguments.array<float>(0, size.elements).data;
  const std::int32_t* labels = arguments.array<std::int32_t>(1, size.rows).data;
  float* losses = arguments.array<float>(2, size.rows).data;
  return operation([=](const Execution& execution) noexcept {
    return cross_entropy(execution, size.rows, size.columns, x, labels, losses);
  });
}

// 0 x, 1 labels, 2 scale, 3 dx, 4 rows, 5 columns
std::unique_ptr<Operation> prepare_cross_entropy_gradient(const Arguments& arguments) {
  const Rows size = rows_of(arguments, 4);
  const float* x = arguments.array<float>(0, size.elements).data;
  const std::int32_t* labels = arguments.array<std::int32_t>(1, size.rows).data;
  const float* scale = arguments.array<float>(2, size.rows).data;
  float* dx = arguments.array<float>(3, size.elements).data;
  return operation([=](const Execution& execution) noexcept {
    return cross_entropy_gradient(execution, size.rows, size.columns, x, labels, scale, dx);
  });
}

}  // namespace gradsift::binding
