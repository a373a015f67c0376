#include "native/binding/certificates.h"
#include "native/binding/operations.h"
#include "native/device/offload.h"
#include "native/linalg/hyperpower_solve.h"

namespace gradsift::binding {

namespace {

// As solve_problem(), then 9 lambdaMin, 10 lambdaMax, 11 mixed, 12 device (absent: the CPU).
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  auto problem = solve_problem<HyperpowerSolve<T>, T>(args);
  problem.lambda_min = args.number(9);
  problem.lambda_max = args.number(10);
  problem.mixed = args.flag(11);
  const int device = args.device(12);
  return certified(problem, Certificates(args, 3, problem.batch),
                   [device](const Execution& execution, const HyperpowerSolve<T>& p) {
                     return device == kCpu ? hyperpower_solve(execution, p) : offload(device, execution, p);
                   });
}

}  // namespace

std::unique_ptr<Operation> prepare_hyperpower_solve(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
