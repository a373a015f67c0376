#include "native/binding/operations.h"
#include "native/linalg/residual.h"

namespace gradsift::binding {

namespace {

// 0 a, 1 v, 2 h, 3 residual (one double), 4 n, 5 rhs, 6 damping
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  SolveResidual<T> problem;
  problem.n = args.size(4);
  problem.rhs = args.size(5);
  problem.damping = args.number(6);
  problem.a = args.array<T>(0, args.product({problem.n, problem.n})).data;
  problem.v = args.array<T>(1, args.product({problem.rhs, problem.n})).data;
  problem.h = args.array<T>(2, args.product({problem.rhs, problem.n})).data;
  problem.residual = args.array<double>(3, 1).data;
  return operation([problem](const Execution& execution) noexcept { return solve_residual(execution, problem); });
}

}  // namespace

std::unique_ptr<Operation> prepare_solve_residual(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
