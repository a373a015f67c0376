#include "native/binding/operations.h"
#include "native/device/offload.h"
#include "native/linalg/gemm.h"

namespace gradsift::binding {

namespace {

// 0 a, 1 b, 2 c, 3 batch, 4 m, 5 n, 6 k, 7 alpha, 8 beta, 9 transposeA, 10 transposeB, 11 ldA, 12 ldB, 13 ldC,
// 14 strideA, 15 strideB, 16 strideC, 17 device (absent: the CPU)
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  Gemm<T> problem;
  problem.batch = args.size(3);
  problem.m = args.size(4);
  problem.n = args.size(5);
  problem.k = args.size(6);
  problem.alpha = static_cast<T>(args.number(7));
  problem.beta = static_cast<T>(args.number(8));
  const auto operand = [&](std::size_t index, bool transpose, std::size_t rows, std::size_t columns, std::size_t ld,
                           std::size_t stride) {
    if (transpose) std::swap(rows, columns);
    const Array<T> array = args.array<T>(index, args.span(problem.batch, stride, rows, ld, columns));
    return Matrices<const T>{array.data, transpose ? 1 : ld, transpose ? ld : 1, stride};
  };
  problem.a = operand(0, args.flag(9), problem.m, problem.k, args.size(11), args.size(14));
  problem.b = operand(1, args.flag(10), problem.k, problem.n, args.size(12), args.size(15));
  const std::size_t ld_c = args.size(13), stride_c = args.size(16);
  const Array<T> c = args.array<T>(2, args.span(problem.batch, stride_c, problem.m, ld_c, problem.n));
  problem.c = {c.data, ld_c, 1, stride_c};
  const int device = args.device(17);
  return operation([=](const Execution& execution) noexcept {
    return device == kCpu ? gemm(execution, problem) : offload(device, execution, problem);
  });
}

}  // namespace

std::unique_ptr<Operation> prepare_matmul(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
