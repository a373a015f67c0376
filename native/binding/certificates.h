#pragma once
// Certificates cross the boundary as rows of a Float64Array; lib/linalg/certificate.ts reads them.

#include <cstddef>
#include <vector>

#include "native/binding/operation.h"
#include "native/linalg/certificate.h"

namespace gradsift::binding {

inline constexpr std::size_t kCertificateNumbers = 7;

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
