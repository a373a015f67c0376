#pragma once
// Certificates cross the boundary as rows of a Float64Array; lib/linalg/certificate.ts reads them.

#include <cstddef>
#include <vector>

#include "native/binding/operation.h"
#include "native/linalg/certificate.h"

namespace gradsift::binding {

inline constexpr std::size_t kCertificateNumbers = 8;

// Receives the certificates of a batch while the routine runs and writes them out afterwards.
class Certificates {
 public:
  Certificates(const Arguments& arguments, std::size_t index, std::size_t batch)
      : values_(batch), out_(arguments.array<double>(index, arguments.product({batch, kCertificateNumbers})).data) {}

  Certificate* data() noexcept { return values_.data(); }
  void write() const noexcept {
    double* out = out_;
    for (const Certificate& value : values_) {
      const double row[kCertificateNumbers] = {static_cast<double>(value.status),
                                               static_cast<double>(value.steps),
                                               static_cast<double>(value.refinements),
                                               static_cast<double>(value.restarts),
                                               value.residual,
                                               value.lambda_min,
                                               value.lambda_max,
                                               value.flops};
      for (const double number : row) *out++ = number;
    }
  }

 private:
  std::vector<Certificate> values_;
  double* out_;
};

// 0 a, 1 v, 2 h, 3 certificates, 4 batch, 5 n, 6 rhs, 7 damping, 8 tolerance: what all dense solvers take first.
template <class Problem, class T>
Problem solve_problem(const Arguments& args) {
  Problem problem;
  problem.batch = args.size(4);
  problem.n = args.size(5);
  problem.rhs = args.size(6);
  problem.damping = args.number(7);
  problem.tolerance = args.number(8);
  problem.a = args.array<T>(0, args.product({problem.batch, problem.n, problem.n})).data;
  problem.v = args.array<T>(1, args.product({problem.batch, problem.rhs, problem.n})).data;
  problem.h = args.array<T>(2, args.product({problem.batch, problem.rhs, problem.n})).data;
  return problem;
}

// An operation that runs solve(execution, problem with its certificates) and writes the certificates.
template <class Problem, class Solve>
std::unique_ptr<Operation> certified(Problem problem, Certificates certificates, Solve solve) {
  return operation(
      [problem, certificates = std::move(certificates), solve](const Execution& execution) mutable noexcept {
        problem.certificates = certificates.data();
        const Status status = solve(execution, problem);
        certificates.write();
        return status;
      });
}

}  // namespace gradsift::binding
