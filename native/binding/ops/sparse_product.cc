#include "native/linalg/sparse_product.h"

#include "native/binding/operations.h"

namespace gradsift::binding {

// 0 starts, 1 indices, 2 values, 3 b, 4 c, 5 rows, 6 columns, 7 entries, 8 width. lib/linalg has seen that starts
// ascend to `entries`.
std::unique_ptr<Operation> prepare_sparse_product(const Arguments& args) {
  const std::size_t rows = args.size(5), columns = args.size(6), entries = args.size(7), width = args.size(8);
  SparseRows a{};
  a.rows = rows;
  a.columns = columns;
  a.starts = args.array<std::uint32_t>(0, rows + 1).data;
  a.indices = args.array<std::uint32_t>(1, entries).data;
  a.values = args.array<float>(2, entries).data;
  const float* b = args.array<float>(3, args.product({columns, width})).data;
  float* c = args.array<float>(4, args.product({rows, width})).data;
  return operation([=](const Execution& execution) noexcept { return sparse_product(execution, a, b, width, c); });
}

}  // namespace gradsift::binding
