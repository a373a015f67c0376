#include "native/binding/certificates.h"
#include "native/binding/operations.h"
#include "native/linalg/cholesky.h"

namespace gradsift::binding {

namespace {

// 0 a, 1 v, 2 h, 3 certificates, 4 batch, 5 n, 6 rhs, 7 damping, 8 tolerance
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  CholeskySolve<T> problem;
  problem.batch = args.size(4);
  problem.n = args.size(5);
  problem.rhs = args.size(6);
  problem.damping = args.number(7);
  problem.tolerance = args.number(8);
  problem.a = args.array<T>(0, args.product({problem.batch, problem.n, problem.n})).data;
  problem.v = args.array<T>(1, args.product({problem.batch, problem.rhs, problem.n})).data;
  problem.h = args.array<T>(2, args.product({problem.batch, problem.rhs, problem.n})).data;
  return certified(problem, Certificates(args, 3, problem.batch),
                   [](const Execution& execution, const CholeskySolve<T>& p) { return cholesky_solve(execution, p); });
}

}  // namespace

std::unique_ptr<Operation> prepare_cholesky_solve(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
