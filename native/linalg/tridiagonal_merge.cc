#include "native/linalg/tridiagonal_merge.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "native/core/buffer.h"
#include "native/linalg/elementwise.h"
#include "native/linalg/gemm.h"
#include "native/linalg/secular.h"

namespace gradsift {

namespace {

constexpr double kUnit = std::numeric_limits<double>::epsilon() / 2;
// Roots, or columns of weights, in one task.
constexpr std::size_t kTaskRoots = 16;
constexpr std::size_t kTaskColumns = 64;

constexpr std::size_t divide_up(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }

// Where an eigenvector of the halves is not zero: they are gathered in this order, so that each half of the columns is
// one product with the rows that matter.
enum Kind : unsigned char { kTop, kBoth, kBottom };

class Merge {
 public:
  Merge(const Execution& execution, const TridiagonalMerge& merge) noexcept
      : execution_(execution),
        m_(merge),
        n_(merge.n),
        rho_(2 * std::fabs(merge.coupling)),
        numbers_(6 * n_),
        indices_(4 * n_),
        kinds_(n_) {}

  Status run() noexcept {
    if (!numbers_ || !indices_ || !kinds_) return Status::out_of_memory;
    update_vector();
    sort_halves();
    deflate();
    if (kept_ > 0) {
      gather();
      Status status = solve();
      if (status == Status::ok) status = weights();
      if (status == Status::ok) status = vectors();
      if (status == Status::ok) status = multiply();
      if (status != Status::ok) return status;
    }
    sort_whole();
    return Status::ok;
  }

 private:
  double* numbers(std::size_t k) noexcept { return numbers_.data() + k * n_; }
  double* update() noexcept { return numbers(0); }       // z, by row
  double* kept_values() noexcept { return numbers(1); }  // d and z of the kept ones, ascending
  double* kept_update() noexcept { return numbers(2); }
  double* placed_values() noexcept { return numbers(3); }  // d and z in the order of gathering
  double* placed_update() noexcept { return numbers(4); }
  double* offsets() noexcept { return numbers(5); }
  std::size_t* sorted() noexcept { return indices_.data(); }
  std::size_t* kept() noexcept { return indices_.data() + n_; }
  std::size_t* deflated() noexcept { return indices_.data() + 2 * n_; }
  std::size_t* place() noexcept { return indices_.data() + 3 * n_; }  // of a kept one in the order of gathering
  double* row(std::size_t k) const noexcept { return m_.rows + k * m_.stride; }

  // z = Q' u / sqrt(2): the last column of the upper rows, the first of the lower ones.
  void update_vector() noexcept {
    const double scale = std::sqrt(0.5), sign = std::copysign(scale, m_.coupling);
    for (std::size_t k = 0; k < m_.top; ++k) update()[k] = scale * row(k)[m_.top - 1];
    for (std::size_t k = m_.top; k < n_; ++k) update()[k] = sign * row(k)[m_.top];
    std::fill(kinds_.data(), kinds_.data() + m_.top, kTop);
    std::fill(kinds_.data() + m_.top, kinds_.data() + n_, kBottom);
  }

  void sort_halves() noexcept {
    for (std::size_t k = m_.top; k < n_; ++k) m_.order[k] += m_.top;
    std::merge(m_.order, m_.order + m_.top, m_.order + m_.top, m_.order + n_, sorted(),
               [this](std::size_t i, std::size_t j) { return m_.values[i] < m_.values[j]; });
  }

  // What the update does not change, to working precision, is set aside: weights that are negligible, and one of two
  // eigenvalues that are as good as equal, after a rotation that leaves all their weight with the other.
  void deflate() noexcept {
    double largest = 0, heaviest = 0;
    for (std::size_t k = 0; k < n_; ++k) {
      largest = std::max(largest, std::fabs(m_.values[k]));
      heaviest = std::max(heaviest, std::fabs(update()[k]));
    }
    const double tolerance = 8 * kUnit * std::max(largest, heaviest);
    std::size_t candidate = n_;
    for (std::size_t k = 0; k < n_; ++k) {
      const std::size_t j = sorted()[k];
      if (rho_ * std::fabs(update()[j]) <= tolerance) {
        deflated()[set_aside_++] = j;
      } else if (candidate == n_) {
        candidate = j;
      } else if (rotated(candidate, j, tolerance)) {
        deflated()[set_aside_++] = candidate;
        candidate = j;
      } else {
        kept()[kept_++] = candidate;
        candidate = j;
      }
    }
    if (candidate != n_) kept()[kept_++] = candidate;
  }

  // Moves the weight of i to j, values[i] <= values[j], if the rotation couples the two by no more than the tolerance.
  bool rotated(std::size_t i, std::size_t j, double tolerance) noexcept {
    double* z = update();
    double* d = m_.values;
    const double length = std::hypot(z[i], z[j]), c = z[j] / length, s = z[i] / length;
    const double gap = d[j] - d[i];
    if (!(std::fabs(gap * c * s) <= tolerance)) return false;
    z[i] = 0;
    z[j] = length;
    d[i] += s * s * gap;
    d[j] -= s * s * gap;
    if (kinds_[i] != kinds_[j]) kinds_[i] = kinds_[j] = kBoth;
    double* upper = row(i);
    double* lower = row(j);
    for (std::size_t k = 0; k < n_; ++k) {
      const double old = upper[k];
      upper[k] = c * old - s * lower[k];
      lower[k] = s * old + c * lower[k];
    }
    return true;
  }

  // Copies the kept rows, by kind, without the half that is zero, then those set aside.
  void gather() noexcept {
    std::size_t count[3] = {};
    for (std::size_t k = 0; k < kept_; ++k) ++count[kinds_[kept()[k]]];
    upper_ = count[kTop] + count[kBoth];
    lower_ = count[kBoth] + count[kBottom];
    std::size_t next[3] = {0, count[kTop], upper_};
    for (std::size_t k = 0; k < kept_; ++k) {
      const std::size_t from = kept()[k], to = next[kinds_[from]]++;
      place()[k] = to;
      kept_values()[k] = placed_values()[to] = m_.values[from];
      kept_update()[k] = placed_update()[to] = update()[from];
      if (to < upper_) std::copy_n(row(from), m_.top, gathered_upper(to));
      if (to >= kept_ - lower_) std::copy_n(row(from) + m_.top, n_ - m_.top, gathered_lower(to - (kept_ - lower_)));
    }
    for (std::size_t k = 0; k < set_aside_; ++k) std::copy_n(row(deflated()[k]), n_, gathered_rest(k));
  }

  double* gathered_upper(std::size_t k) const noexcept { return m_.gathered + k * m_.top; }
  double* gathered_lower(std::size_t k) const noexcept { return gathered_upper(upper_) + k * (n_ - m_.top); }
  double* gathered_rest(std::size_t k) const noexcept { return gathered_lower(lower_) + k * n_; }

  // Row j of the factors: d - (root j), in the order of gathering.
  Status solve() noexcept {
    const SecularEquation equation{kept_, kept_values(), kept_update(), rho_};
    std::atomic<bool> converged{true};
    const bool done = execution_.parallel(divide_up(kept_, kTaskRoots), [&](std::size_t task) {
      for (std::size_t j = task * kTaskRoots; j < std::min(kept_, (task + 1) * kTaskRoots); ++j) {
        const SecularRoot root = secular_root(equation, j);
        if (!root.converged) converged.store(false, std::memory_order_relaxed);
        const double origin = kept_values()[root.origin];
        double* differences = m_.factors + j * kept_;
        for (std::size_t k = 0; k < kept_; ++k) differences[k] = (placed_values()[k] - origin) - root.offset;
        offsets()[j] = origin + root.offset;
      }
    });
    if (!done) return Status::cancelled;
    return converged.load(std::memory_order_relaxed) ? Status::ok : Status::step_limit;
  }

  // The weights for which the computed roots are exact: z_k^2 = prod_j (root_j - d_k) / prod_{j != k} (d_j - d_k).
  Status weights() noexcept {
    const bool done = execution_.parallel(divide_up(kept_, kTaskColumns), [&](std::size_t task) {
      const std::size_t first = task * kTaskColumns, last = std::min(kept_, first + kTaskColumns);
      double product[kTaskColumns];
      std::fill(product, product + kTaskColumns, 1.0);
      for (std::size_t j = 0; j < kept_; ++j) {
        const double* differences = m_.factors + j * kept_;
        const double value = kept_values()[j];
        const std::size_t own = place()[j];
        const auto multiply = [&](std::size_t from, std::size_t to) {
          for (std::size_t k = from; k < to; ++k) {
            product[k - first] *= differences[k] / (placed_values()[k] - value);
          }
        };
        multiply(first, std::clamp(own, first, last));
        if (own >= first && own < last) product[own - first] *= -differences[own];
        multiply(std::clamp(own + 1, first, last), last);
      }
      for (std::size_t k = first; k < last; ++k) {
        placed_update()[k] = std::copysign(std::sqrt(std::fabs(product[k - first])), placed_update()[k]);
      }
    });
    return done ? Status::ok : Status::cancelled;
  }

  // Row j of the factors: the unit eigenvector of diag(d) + rho z z' for root j.
  Status vectors() noexcept {
    const double* z = placed_update();
    return for_each_row(execution_, kept_, kept_, [=, this](std::size_t j) {
      double* factors = m_.factors + j * kept_;
      for (std::size_t k = 0; k < kept_; ++k) factors[k] = z[k] / factors[k];
      const double scale = 1 / norm(kept_, factors);
      for (std::size_t k = 0; k < kept_; ++k) factors[k] *= scale;
    });
  }

  Status multiply() noexcept {
    Gemm<double> product;
    product.m = kept_;
    product.n = m_.top;
    product.k = upper_;
    product.a = {m_.factors, kept_, 1, 0};
    product.b = {gathered_upper(0), m_.top, 1, 0};
    product.c = {m_.rows, m_.stride, 1, 0};
    Status status = gemm(execution_, product);
    if (status != Status::ok) return status;
    product.n = n_ - m_.top;
    product.k = lower_;
    product.a.data = m_.factors + (kept_ - lower_);
    product.b = {gathered_lower(0), n_ - m_.top, 1, 0};
    product.c.data = m_.rows + m_.top;
    return gemm(execution_, product);
  }

  // The roots ascend; what was set aside is sorted in between. Where something was kept, all rows have moved: roots
  // first.
  void sort_whole() noexcept {
    std::size_t* rest = deflated();
    if (kept_ > 0) {
      double* values = update();  // done with
      std::copy_n(offsets(), kept_, values);
      for (std::size_t k = 0; k < set_aside_; ++k) {
        values[kept_ + k] = m_.values[rest[k]];
        std::copy_n(gathered_rest(k), n_, row(kept_ + k));
        rest[k] = kept_ + k;
      }
      std::copy_n(values, n_, m_.values);
    }
    const auto below = [this](std::size_t i, std::size_t j) {
      return m_.values[i] != m_.values[j] ? m_.values[i] < m_.values[j] : i < j;
    };
    std::sort(rest, rest + set_aside_, below);
    std::size_t* roots = kept();
    for (std::size_t k = 0; k < kept_; ++k) roots[k] = k;
    std::merge(roots, roots + kept_, rest, rest + set_aside_, m_.order, below);
  }

  const Execution& execution_;
  const TridiagonalMerge& m_;
  const std::size_t n_;
  const double rho_;
  std::size_t kept_ = 0, set_aside_ = 0, upper_ = 0, lower_ = 0;
  Buffer<double> numbers_;
  Buffer<std::size_t> indices_;
  Buffer<Kind> kinds_;
};

}  // namespace

Status merge_halves(const Execution& execution, const TridiagonalMerge& merge) noexcept {
  return Merge(execution, merge).run();
}

}  // namespace gradsift
