#include "native/binding/certificates.h"
#include "native/binding/operations.h"
#include "native/device/offload.h"
#include "native/linalg/cholesky.h"

namespace gradsift::binding {

namespace {

// As solve_problem(), then 9 mixed, 10 device (absent: the CPU).
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  auto problem = solve_problem<CholeskySolve<T>, T>(args);
  problem.mixed = args.flag(9);
  const int device = args.device(10);
  return certified(problem, Certificates(args, 3, problem.batch),
                   [device](const Execution& execution, const CholeskySolve<T>& p) {
                     return device == kCpu ? cholesky_solve(execution, p) : offload(device, execution, p);
                   });
}

}  // namespace

std::unique_ptr<Operation> prepare_cholesky_solve(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
