#include "native/binding/certificates.h"
#include "native/binding/operations.h"
#include "native/linalg/cholesky.h"

namespace gradsift::binding {

namespace {

// As solve_problem(), then 9 mixed.
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  auto problem = solve_problem<CholeskySolve<T>, T>(args);
  problem.mixed = args.flag(9);
  return certified(problem, Certificates(args, 3, problem.batch),
                   [](const Execution& execution, const CholeskySolve<T>& p) { return cholesky_solve(execution, p); });
}

}  // namespace

std::unique_ptr<Operation> prepare_cholesky_solve(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
