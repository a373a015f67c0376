#include "native/binding/operations.h"
#include "native/linalg/row_gram.h"

namespace gradsift::binding {

namespace {

// 0 rows, 1 out, 2 count, 3 length
template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  RowGram<T> problem;
  problem.count = args.size(2);
  problem.length = args.size(3);
  problem.rows = args.array<T>(0, args.product({problem.count, problem.length})).data;
  problem.out = args.array<double>(1, args.product({problem.count, problem.count})).data;
  return operation([problem](const Execution& execution) noexcept { return row_gram(execution, problem); });
}

}  // namespace

std::unique_ptr<Operation> prepare_row_gram(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

}  // namespace gradsift::binding
