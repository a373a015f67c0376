#include "native/binding/certificates.h"
#include "native/binding/operations.h"
#include "native/linalg/conjugate_gradients.h"

namespace gradsift::binding {

namespace {

// As solve_problem(), then 9 maxSteps.
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  auto problem = solve_problem<CgSolve<T>, T>(args);
  problem.max_steps = static_cast<unsigned>(args.size(9));
  return certified(problem, Certificates(args, 3, problem.batch),
                   [](const Execution& execution, const CgSolve<T>& p) { return cg_solve(execution, p); });
}

}  // namespace

std::unique_ptr<Operation> prepare_cg_solve(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
