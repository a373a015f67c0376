#include "native/binding/operations.h"
#include "native/device/offload.h"
#include "native/linalg/symmetric_product.h"

namespace gradsift::binding {

namespace {

// 0 a, 1 b, 2 out, 3 batch, 4 n, 5 alpha, 6 beta, 7 gamma, 8 device (absent: the CPU)
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  SymmetricProduct<T> problem;
  problem.batch = args.size(3);
  problem.n = args.size(4);
  problem.alpha = static_cast<T>(args.number(5));
  problem.beta = static_cast<T>(args.number(6));
  problem.gamma = static_cast<T>(args.number(7));
  const std::size_t item = args.product({problem.n, problem.n});
  const std::size_t elements = args.product({problem.batch, item});
  problem.a = {args.array<T>(0, elements).data, problem.n, 1, item};
  problem.b = {args.array<T>(1, elements).data, problem.n, 1, item};
  problem.c = {args.array<T>(2, elements).data, problem.n, 1, item};
  const int device = args.device(8);
  return operation([=](const Execution& execution) noexcept {
    return device == kCpu ? symmetric_product(execution, problem) : offload(device, execution, problem);
  });
}

}  // namespace

std::unique_ptr<Operation> prepare_symmetric_product(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
