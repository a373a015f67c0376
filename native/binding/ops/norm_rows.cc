#include "native/binding/operations.h"
#include "native/linalg/norm_rows.h"

namespace gradsift::binding {

namespace {

// 0 x, 1 gain, 2 bias (any array of that length where not `centred`); rows, columns, epsilon, centred from `sizes` on
NormRows norm_of(const Arguments& arguments, std::size_t sizes) {
  NormRows norm;
  norm.rows = arguments.size(sizes);
  norm.columns = arguments.size(sizes + 1);
  norm.epsilon = static_cast<float>(arguments.number(sizes + 2));
  norm.x = arguments.array<float>(0, arguments.product({norm.rows, norm.columns})).data;
  norm.gain = arguments.array<float>(1, norm.columns).data;
  const float* bias = arguments.array<float>(2, norm.columns).data;
  norm.bias = arguments.flag(sizes + 3) ? bias : nullptr;
  return norm;
}

}  // namespace

// 0 x, 1 gain, 2 bias, 3 y, 4 rows, 5 columns, 6 epsilon, 7 centred
std::unique_ptr<Operation> prepare_norm_rows(const Arguments& arguments) {
  const NormRows norm = norm_of(arguments, 4);
  float* y = arguments.array<float>(3, norm.rows * norm.columns).data;
  return operation([=](const Execution& execution) noexcept { return norm_rows(execution, norm, y); });
}

// 0 x, 1 gain, 2 bias, 3 dy, 4 dx, 5 dgain, 6 dbias, 7 rows, 8 columns, 9 epsilon, 10 centred
std::unique_ptr<Operation> prepare_norm_rows_gradient(const Arguments& arguments) {
  const NormRows norm = norm_of(arguments, 7);
  const float* dy = arguments.array<float>(3, norm.rows * norm.columns).data;
  float* dx = arguments.array<float>(4, norm.rows * norm.columns).data;
  float* dgain = arguments.array<float>(5, norm.columns).data;
  float* dbias = arguments.array<float>(6, norm.columns).data;
  return operation(
      [=](const Execution& execution) noexcept { return norm_rows_gradient(execution, norm, dy, dx, dgain, dbias); });
}

}  // namespace gradsift::binding
