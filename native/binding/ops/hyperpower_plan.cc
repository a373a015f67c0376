#include <algorithm>
#include <limits>

#include "native/binding/operations.h"
#include "native/linalg/hyperpower_plan.h"

namespace gradsift::binding {

// 0 out: steps, passes, rho, flops, then rho_0 ... rho_64. 1 n, 2 rhs, 3 lambdaMin, 4 lambdaMax, 5 tolerance, 6 mixed
std::unique_ptr<Operation> prepare_hyperpower_plan(const Arguments& args) {
  constexpr std::size_t kLeading = 4;
  double* out = args.array<double>(0, kLeading + kMaxDoublings + 1).data;
  const std::size_t n = args.size(1), rhs = args.size(2);
  const double a = args.number(3), b = args.number(4), tolerance = args.number(5);
  const bool mixed = args.flag(6);
  return operation([=](const Execution&) noexcept {
    const HyperpowerScalars scalars = hyperpower_scalars(a, b);
    const SolvePlan plan = plan_hyperpower_solve(scalars, n, rhs, b / a, tolerance, mixed);
    const double leading[kLeading] = {static_cast<double>(plan.steps), static_cast<double>(plan.passes), plan.rho,
                                      plan.flops};
    std::copy_n(leading, kLeading, out);
    std::copy_n(scalars.rho, kMaxDoublings + 1, out + kLeading);
    return Status::ok;
  });
}

}  // namespace gradsift::binding
