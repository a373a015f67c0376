#include <vector>

#include "native/binding/operations.h"
#include "native/linalg/eigh.h"

namespace gradsift::binding {

// 0 a, 1 values, 2 vectors, 3 statuses (codes as float64, one for each matrix), 4 batch, 5 n
std::unique_ptr<Operation> prepare_eigh(const Arguments& args) {
  Eigh problem;
  problem.batch = args.size(4);
  problem.n = args.size(5);
  const std::size_t lines = args.product({problem.batch, problem.n}), elements = args.product({lines, problem.n});
  problem.a = args.array<double>(0, elements).data;
  problem.values = args.array<double>(1, lines).data;
  problem.vectors = args.array<double>(2, elements).data;
  double* out = args.array<double>(3, problem.batch).data;
  return operation(
      [problem, out, statuses = std::vector<Status>(problem.batch)](const Execution& execution) mutable noexcept {
        problem.statuses = statuses.data();
        const Status status = eigh(execution, problem);
        for (std::size_t b = 0; b < problem.batch; ++b) out[b] = static_cast<double>(statuses[b]);
        return status;
      });
}

}  // namespace gradsift::binding
