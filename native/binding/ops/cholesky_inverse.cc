#include "native/binding/certificates.h"
#include "native/binding/operations.h"
#include "native/linalg/cholesky_batched.h"

namespace gradsift::binding {

namespace {

// 0 a, 1 x, 2 certificates, 3 batch, 4 n, 5 damping, 6 tolerance
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  CholeskyInverse<T> problem;
  problem.batch = args.size(3);
  problem.n = args.size(4);
  problem.damping = args.number(5);
  problem.tolerance = args.number(6);
  problem.a = args.array<T>(0, args.product({problem.batch, problem.n, problem.n})).data;
  problem.x = args.array<T>(1, args.product({problem.batch, problem.n, problem.n})).data;
  return certified(
      problem, Certificates(args, 2, problem.batch),
      [](const Execution& execution, const CholeskyInverse<T>& p) { return cholesky_inverse(execution, p); });
}

}  // namespace

std::unique_ptr<Operation> prepare_cholesky_inverse(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
