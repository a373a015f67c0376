#include "native/binding/operations.h"
#include "native/device/offload.h"
#include "native/linalg/row_alignments.h"
#include "native/linalg/row_gram.h"
#include "native/linalg/rows.h"

namespace gradsift::binding {

namespace {

// Rows of any stored type at `index`. bf16: of 16-bit floats, which come as a Uint16Array; else they are f16.
StoredRows stored_rows(const Arguments& args, std::size_t index, std::size_t count, std::size_t stride,
                       std::size_t length, bool bf16) {
  const std::size_t elements = args.span(1, 0, count, stride, length);
  if (args.is_u16(index)) {
    const StoredType type = bf16 ? StoredType::bf16 : StoredType::f16;
    return {type, args.array<std::uint16_t>(index, elements).data, count, stride};
  }
  if (args.is_f64(index)) return {StoredType::f64, args.array<double>(index, elements).data, count, stride};
  return {StoredType::f32, args.array<float>(index, elements).data, count, stride};
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

// 0 rows, 1 h, 2 out, 3 count, 4 length, 5 queries, 6 alpha, 7 beta, 8 outStride, 9 norms (empty: not wanted),
// 10 rowStride, 11 bf16, 12 device (absent: the CPU)
std::unique_ptr<Operation> prepare_row_dots(const Arguments& args) {
  const std::size_t count = args.size(3), length = args.size(4), queries = args.size(5), out_stride = args.size(8);
  const double alpha = args.number(6), beta = args.number(7);
  const StoredRows rows = stored_rows(args, 0, count, args.size(10), length, args.flag(11));
  const double* h = args.array<double>(1, args.product({queries, length})).data;
  double* out = args.array<double>(2, args.span(1, 0, queries, out_stride, count)).data;
  const bool with_norms = args.array<double>(9, 0).length > 0;
  double* norms = with_norms ? args.array<double>(9, count).data : nullptr;
  const int device = args.device(12);
  return operation([=](const Execution& execution) noexcept {
    if (device != kCpu) {
      return offload(device, execution, RowDots{rows, length, h, queries, alpha, beta, out, out_stride, norms});
    }
    return visit(rows, [&]<class T>(const T* x) {
      return row_dots(execution,
                      Dots<T>{count, queries, length, x, rows.stride, h, length, alpha, beta, out, out_stride, norms});
    });
  });
}

// 0 rows, 1 weights, 2 out, 3 count, 4 length, 5 queries, 6 weightStride, 7 rowStride, 8 bf16
std::unique_ptr<Operation> prepare_add_weighted_rows(const Arguments& args) {
  const std::size_t count = args.size(3), length = args.size(4), queries = args.size(5), stride = args.size(6);
  const StoredRows rows = stored_rows(args, 0, count, args.size(7), length, args.flag(8));
  const double* weights = args.array<double>(1, args.span(1, 0, queries, stride, count)).data;
  double* out = args.array<double>(2, args.product({queries, length})).data;
  return operation([=](const Execution& execution) noexcept {
    return visit(rows, [&]<class T>(const T* x) {
      return add_weighted_rows(execution,
                               WeightedRows<T>{count, queries, length, x, rows.stride, weights, stride, out, length});
    });
  });
}

// 0 rows, 1 out, 2 count, 3 length, 4 rowStride, 5 bf16
std::unique_ptr<Operation> prepare_add_row_gram(const Arguments& args) {
  const std::size_t count = args.size(2), length = args.size(3);
  const StoredRows rows = stored_rows(args, 0, count, args.size(4), length, args.flag(5));
  double* out = args.array<double>(1, args.product({count, count})).data;
  return operation([=](const Execution& execution) noexcept { return add_row_gram(execution, {rows, length, out}); });
}

// 0 rows, 1 target, 2 weights, 3 products, 4 squares, 5 target square, 6 count, 7 length, 8 targets, 9 rowStride,
// 10 bf16 (of the rows), 11 targetStride, 12 bf16 (of the target)
std::unique_ptr<Operation> prepare_add_row_alignments(const Arguments& args) {
  const std::size_t count = args.size(6), targets = args.size(8);
  RowAlignments problem;
  problem.length = args.size(7);
  problem.rows = stored_rows(args, 0, count, args.size(9), problem.length, args.flag(10));
  problem.target = stored_rows(args, 1, targets, args.size(11), problem.length, args.flag(12));
  problem.weights = args.array<double>(2, targets).data;
  problem.products = args.array<double>(3, count).data;
  problem.squares = args.array<double>(4, count).data;
  problem.target_square = args.array<double>(5, 1).data;
  return operation([=](const Execution& execution) noexcept { return add_row_alignments(execution, problem); });
}

std::unique_ptr<Operation> prepare_row_norms(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare_norms<double>(arguments) : prepare_norms<float>(arguments);
}

}  // namespace gradsift::binding
