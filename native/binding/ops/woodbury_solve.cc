#include "native/binding/certificates.h"
#include "native/binding/operations.h"
#include "native/linalg/woodbury.h"

namespace gradsift::binding {

namespace {

// 0 rows, 1 v, 2 h, 3 certificates, 4 count, 5 n, 6 rhs, 7 scale, 8 damping, 9 tolerance
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  WoodburySolve<T> problem;
  problem.count = args.size(4);
  problem.n = args.size(5);
  problem.rhs = args.size(6);
  problem.scale = args.number(7);
  problem.damping = args.number(8);
  problem.tolerance = args.number(9);
  problem.rows = args.array<T>(0, args.product({problem.count, problem.n})).data;
  problem.v = args.array<double>(1, args.product({problem.rhs, problem.n})).data;
  problem.h = args.array<double>(2, args.product({problem.rhs, problem.n})).data;
  return certified(problem, Certificates(args, 3, 1),
                   [](const Execution& execution, const WoodburySolve<T>& p) { return woodbury_solve(execution, p); });
}

}  // namespace

std::unique_ptr<Operation> prepare_woodbury_solve(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
