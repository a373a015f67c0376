#include "native/binding/certificates.h"
#include "native/binding/operations.h"
#include "native/device/offload.h"
#include "native/linalg/hyperpower_inverse.h"

namespace gradsift::binding {

namespace {

// 0 a, 1 x, 2 certificates, 3 batch, 4 n, 5 damping, 6 tolerance, 7 lambdaMin, 8 lambdaMax, 9 order, 10 device (absent:
// the CPU)
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  ScaledInverse<T> problem;
  problem.batch = args.size(3);
  problem.n = args.size(4);
  problem.damping = args.number(5);
  problem.tolerance = args.number(6);
  problem.lambda_min = args.number(7);
  problem.lambda_max = args.number(8);
  problem.order = static_cast<unsigned>(args.size(9));
  problem.a = args.array<T>(0, args.product({problem.batch, problem.n, problem.n})).data;
  problem.x = args.array<T>(1, args.product({problem.batch, problem.n, problem.n})).data;
  const int device = args.device(10);
  return certified(problem, Certificates(args, 2, problem.batch),
                   [device](const Execution& execution, const ScaledInverse<T>& p) {
                     return device == kCpu ? scaled_inverse(execution, p) : offload(device, execution, p);
                   });
}

}  // namespace

std::unique_ptr<Operation> prepare_scaled_inverse(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
