#include "native/binding/operations.h"
#include "native/linalg/rows.h"

namespace gradsift::binding {

namespace {

// 0 rows, 1 h, 2 out, 3 count, 4 length, 5 queries, 6 alpha, 7 beta, 8 outStride, 9 norms (empty: not wanted)
template <class T>
std::unique_ptr<Operation> prepare_dots(const Arguments& args) {
  const std::size_t count = args.size(3), length = args.size(4), queries = args.size(5), stride = args.size(8);
  const double alpha = args.number(6), beta = args.number(7);
  const T* x = args.array<T>(0, args.product({count, length})).data;
  const double* h = args.array<double>(1, args.product({queries, length})).data;
  double* out = args.array<double>(2, args.span(1, 0, queries, stride, count)).data;
  const bool with_norms = args.array<double>(9, 0).length > 0;
  double* norms = with_norms ? args.array<double>(9, count).data : nullptr;
  return operation([=](const Execution& execution) noexcept {
    return row_dots(execution, x, count, length, h, queries, alpha, beta, out, stride, norms);
  });
}

// 0 rows, 1 weights, 2 out, 3 count, 4 length, 5 queries, 6 weightStride
template <class T>
std::unique_ptr<Operation> prepare_sums(const Arguments& args) {
  const std::size_t count = args.size(3), length = args.size(4), queries = args.size(5), stride = args.size(6);
  const T* x = args.array<T>(0, args.product({count, length})).data;
  const double* weights = args.array<double>(1, args.span(1, 0, queries, stride, count)).data;
  double* out = args.array<double>(2, args.product({queries, length})).data;
  return operation([=](const Execution& execution) noexcept {
    return add_weighted_rows(execution, x, count, length, weights, queries, stride, out);
  });
}

// 0 rows, 1 out, 2 count, 3 length
template <class T>
std::unique_ptr<Operation> prepare_norms(const Arguments& args) {
  const std::size_t count = args.size(2), length = args.size(3);
  const T* x = args.array<T>(0, args.product({count, length})).data;
  double* out = args.array<double>(1, count).data;
  return operation([=](const Execution& execution) noexcept { return row_norms(execution, x, count, length, out); });
}

}  // namespace

std::unique_ptr<Operation> prepare_row_dots(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare_dots<double>(arguments) : prepare_dots<float>(arguments);
}

std::unique_ptr<Operation> prepare_add_weighted_rows(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare_sums<double>(arguments) : prepare_sums<float>(arguments);
}

std::unique_ptr<Operation> prepare_row_norms(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare_norms<double>(arguments) : prepare_norms<float>(arguments);
}

}  // namespace gradsift::binding
