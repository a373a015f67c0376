#pragma once
// A group of small systems in the lanes of a register: carried in, factored, solved, measured, carried out.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "native/core/buffer.h"
#include "native/core/execution.h"
#include "native/core/status.h"
#include "native/kernels/table.h"

namespace gradsift {

template <class T>
const LaneKernel<T>& lane_kernel(const KernelTable& table) noexcept {
  if constexpr (std::is_same_v<T, float>) {
    return *table.lanes_f32;
  } else {
    return *table.lanes_f64;
  }
}

template <class T>
class SideBySide {
 public:
  SideBySide(const KernelTable& table, std::size_t n, double damping) noexcept
      : table_(table), kernel_(lane_kernel<T>(table)), n_(n), damping_(damping) {}

  bool open() noexcept {
    const std::size_t lanes = kernel_.lanes;
    a_ = Buffer<T>(n_ * n_ * lanes);
    lower_ = Buffer<T>(n_ * n_ * lanes);
    pivots_ = Buffer<T>(n_ * lanes);
    return a_ && lower_ && pivots_;
  }

  std::size_t lanes() const noexcept { return kernel_.lanes; }
  std::size_t n() const noexcept { return n_; }

  // lanes_of[e][l] = rows[l][e] for the `used` first lanes, zero for the others.
  void carry_in(std::size_t used, std::size_t elements, const T* rows, T* lanes_of) const noexcept {
    pack({used, kernel_.lanes, elements, rows, elements, 1, lanes_of});
  }
  void carry_out(std::size_t used, std::size_t elements, const T* lanes_of, T* rows) const noexcept {
    pack({elements, elements, used, lanes_of, kernel_.lanes, 1, rows});
  }

  // Takes `used` matrices and factors them; size[l] is an upper bound of the norm of A + damping I.
  void factor(std::size_t used, const T* a, double (&size)[kMaxLanes]) noexcept {
    carry_in(used, n_ * n_, a, a_.data());
    kernel_.factor({n_, static_cast<T>(damping_), a_.data(), lower_.data(), pivots_.data()});
    double squares[kMaxLanes];
    kernel_.squares(a_.data(), n_ * n_, squares);
    const double rounding = 1 + 4 * std::numeric_limits<double>::epsilon() * static_cast<double>(n_ * n_);
    for (std::size_t l = 0; l < used; ++l) size[l] = std::sqrt(squares[l]) * rounding + damping_;
  }

  // Whether all pivots of a lane are above n roundings of their diagonal entries.
  bool positive(std::size_t lane) const noexcept {
    const T roundings = static_cast<T>(n_) * std::numeric_limits<T>::epsilon();
    for (std::size_t i = 0; i < n_; ++i) {
      const T diagonal = a_[i * (n_ + 1) * kernel_.lanes + lane] + static_cast<T>(damping_);
      if (!(pivots_[i * kernel_.lanes + lane] > roundings * std::fabs(diagonal))) return false;
    }
    return true;
  }

  void solve(std::size_t rhs, std::size_t first, T* x) const noexcept {
    kernel_.solve({n_, rhs, first, lower_.data(), x});
  }

  // v null: the identity. remainder may be null.
  void residual(std::size_t rhs, const T* v, const T* h, T* remainder, double (&squares)[kMaxLanes]) const noexcept {
    kernel_.remainder({n_, rhs, damping_, a_.data(), v, h, remainder, squares});
  }

  void squares(std::size_t elements, const T* x, double (&squares)[kMaxLanes]) const noexcept {
    kernel_.squares(x, elements, squares);
  }

 private:
  void pack(const Pack<float, float>& pack) const noexcept { table_.pack_f32(pack); }
  void pack(const Pack<double, double>& pack) const noexcept { table_.pack_f64(pack); }

  const KernelTable& table_;
  const LaneKernel<T>& kernel_;
  std::size_t n_;
  double damping_;
  Buffer<T> a_, lower_, pivots_;
};

// Runs body(group, first, used) for each group of matrices [first, first + used), several groups a task. `work`:
// multiply-adds for one matrix. The first status of body that is not ok is the status of the whole.
template <class T, class Body>
Status for_each_group(const Execution& execution, std::size_t batch, std::size_t n, double damping, std::size_t work,
                      const Body& body) noexcept {
  constexpr std::size_t task_work = std::size_t{1} << 21;  // 50 to 100 microseconds
  const KernelTable& table = kernels();
  const std::size_t lanes = lane_kernel<T>(table).lanes, groups = (batch + lanes - 1) / lanes;
  const std::size_t run = std::max<std::size_t>(1, task_work / (lanes * std::max<std::size_t>(1, work)));
  std::atomic<Status> outcome{Status::ok};
  const bool done = execution.parallel((groups + run - 1) / run, [&](std::size_t task) {
    SideBySide<T> group(table, n, damping);
    Status status = group.open() ? Status::ok : Status::out_of_memory;
    const std::size_t end = std::min(batch, (task + 1) * run * lanes);
    for (std::size_t first = task * run * lanes; status == Status::ok && first < end; first += lanes) {
      status = body(group, first, std::min(lanes, end - first));
    }
    if (status != Status::ok) outcome.store(status, std::memory_order_relaxed);
  });
  if (outcome.load(std::memory_order_relaxed) != Status::ok) return outcome.load(std::memory_order_relaxed);
  return done ? Status::ok : Status::cancelled;
}

}  // namespace gradsift
