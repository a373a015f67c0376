#include "native/linalg/tridiagonal_eigen.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "native/core/buffer.h"
#include "native/linalg/certificate.h"
#include "native/linalg/tridiagonal_merge.h"
#include "native/linalg/tridiagonal_qr.h"

namespace gradsift {

namespace {

// Largest part left to the QR iteration, whose work grows with its cube but needs no copies.
constexpr std::size_t kLeaf = 32;

// The first outcome other than ok, kept from any thread.
class Outcome {
 public:
  void keep(Status status) noexcept {
    if (status != Status::ok) worst_.store(status, std::memory_order_relaxed);
  }
  Status status(bool done) const noexcept {
    const Status worst = worst_.load(std::memory_order_relaxed);
    return worst != Status::ok || done ? worst : Status::cancelled;
  }

 private:
  std::atomic<Status> worst_{Status::ok};
};

// Part j of `parts` starts at n j / parts: halves of a part at one level are parts of the next.
std::size_t start(std::size_t n, std::size_t parts, std::size_t j) noexcept { return n * j / parts; }

Status solve_leaf(const TridiagonalEigen& p, std::size_t first, std::size_t size) noexcept {
  double* rows = p.rows + first * p.n + first;
  for (std::size_t i = 0; i < size; ++i) rows[i * p.n + i] = 1;
  double* values = p.values + first;
  const Status status = tridiagonal_qr(size, values, p.off + first, rows, p.n);
  std::size_t* order = p.order + first;
  for (std::size_t k = 0; k < size; ++k) order[k] = k;
  std::sort(order, order + size,
            [=](std::size_t i, std::size_t j) { return values[i] != values[j] ? values[i] < values[j] : i < j; });
  return status;
}

}  // namespace

Status tridiagonal_eigen(const Execution& execution, const TridiagonalEigen& p) noexcept {
  const std::size_t n = p.n;
  std::size_t parts = 1;
  while (n > parts * kLeaf) parts *= 2;
  Buffer<double> factors(parts == 1 ? 0 : n * n), couplings(parts);
  if (!factors || !couplings) return Status::out_of_memory;
  std::fill(p.rows, p.rows + n * n, 0.0);
  for (std::size_t j = 1; j < parts; ++j) {
    const std::size_t at = start(n, parts, j);
    couplings[j] = p.off[at - 1];
    p.values[at - 1] -= std::fabs(couplings[j]);
    p.values[at] -= std::fabs(couplings[j]);
  }
  Outcome leaves;
  bool done = execution.parallel(parts, [&](std::size_t j) {
    const std::size_t first = start(n, parts, j);
    leaves.keep(solve_leaf(p, first, start(n, parts, j + 1) - first));
  });
  Status status = leaves.status(done);
  for (std::size_t merges = parts / 2; merges > 0 && status == Status::ok; merges /= 2) {
    Outcome level;
    status = for_each_matrix(execution, merges, n / merges, [&](const Execution& inner, std::size_t j) {
      const std::size_t first = start(n, merges, j), middle = start(n, 2 * merges, 2 * j + 1);
      const std::size_t size = start(n, merges, j + 1) - first;
      const double coupling = couplings[(2 * j + 1) * (parts / (2 * merges))];
      const Status merged =
          merge_halves(inner, {size, middle - first, coupling, p.values + first, p.order + first,
                               p.rows + first * n + first, n, p.scratch + first * n, factors.data() + first * n});
      level.keep(merged);
      return merged;
    });
    if (status == Status::ok) status = level.status(true);
  }
  return status;
}

}  // namespace gradsift
