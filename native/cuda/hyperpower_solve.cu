#include "native/cuda/hyperpower_solve.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "native/cuda/batch_plan.h"
#include "native/cuda/hyperpower_kernels.h"
#include "native/cuda/host_array.h"
#include "native/cuda/product.h"

namespace gradsift::cuda {

namespace {

constexpr unsigned kMostPasses = 30, kMostRestarts = 10;
// The last two products may be of TF32 at no loss: the spectrum is resolved by then (hyperpower.md, section 5).
constexpr unsigned kCoarseProducts = 2;

template <class F>
constexpr double kRoundoff = std::is_same_v<F, float> ? kTf32x3Roundoff : 0x1p-53;
template <class F>
constexpr Type kTypeOf = std::is_same_v<F, float> ? Type::f32 : Type::f64;

struct Interval {
  double a = 0, b = 0, certain = 0;
  Status status = Status::ok;
};

template <class T, class F>
class LargeSolve {
 public:
  LargeSolve(Session& session, const Solve& problem) noexcept
      : s_(session),
        p_(problem),
        shape_{problem.batch, problem.n, problem.rhs},
        square_(problem.n * problem.n),
        block_(problem.rhs * problem.n) {}

  Status run(unsigned restarts) noexcept {
    Status status = open();
    if (status == Status::ok) status = find_intervals();
    if (status != Status::ok) return status;
    double ratio = 1;
    for (std::size_t b = 0; b < p_.batch; ++b) {
      if (intervals_[b].status == Status::ok) ratio = std::max(ratio, intervals_[b].b / intervals_[b].a);
    }
    // Factors whose rounding would outweigh the smallest eigenvalues serve nobody.
    const BatchPlan plan(std::min(ratio, 1 / (16 * kRoundoff<F>)));
    status = build(plan);
    if (status == Status::ok) status = refine(plan);
    if (status == Status::ok) status = output();
    return status == Status::ok ? certify(plan, restarts) : status;
  }

 private:
  Status open() noexcept {
    Status status = certain_.open(s_, p_.batch);
    const auto make = [&](auto& buffer, std::size_t count) {
      if (status == Status::ok) status = buffer.open(s_, count);
    };
    make(start_, p_.batch);
    make(total_, p_.batch);
    make(least_, p_.batch);
    make(sizes_, shape_.rows());
    make(traces_, p_.batch * kMostDoublings);
    make(scratch_, 2 * p_.batch * p_.n);
    make(r_, p_.batch * block_);
    make(x_, p_.batch * block_);
    make(best_, p_.batch * block_);
    make(w_[0], p_.batch * block_);
    make(w_[1], p_.batch * block_);
    if (std::is_same_v<T, float>) make(wide_, p_.batch * square_);
    if (status != Status::ok) return status;
    for (HostArray<double>* array : {&host_start_, &host_total_, &host_least_, &host_whole_, &host_traces_}) {
      if (!array->open(p_.batch * kMostDoublings)) return Status::out_of_memory;
    }
    return intervals_.open(p_.batch) ? Status::ok : Status::out_of_memory;
  }

  const T* a() const noexcept { return static_cast<const T*>(p_.a); }

  Status find_intervals() noexcept {
    Status status = upper_bounds(s_, shape_, a(), p_.damping, scratch_.data(), certain_.data());
    if (status == Status::ok) status = take(certain_, host_total_.data(), p_.batch);
    if (status != Status::ok) return status;
    for (std::size_t b = 0; b < p_.batch; ++b) {
      Interval& interval = intervals_[b];
      interval.certain = host_total_[b];
      if (!(interval.certain < 1e300))
        interval.status = Status::non_finite;
      else if (!(interval.certain > 0))
        interval.status = Status::not_positive_definite;
      interval.b = p_.lambda_max > 0 ? p_.lambda_max : interval.certain;
      const double low = p_.lambda_min > 0 ? p_.lambda_min : p_.damping;
      interval.a = std::min(interval.b, low > 0 ? low : interval.b / 1024);  // a guess, which restarts correct
    }
    return Status::ok;
  }

  F* factor(unsigned k) noexcept { return factors_.data() + k * p_.batch * square_; }

  Status build(const BatchPlan& plan) noexcept {
    Status status = factors_.open(s_, plan.steps * p_.batch * square_);
    if (status != Status::ok) return status;
    for (std::size_t b = 0; b < p_.batch; ++b) {
      const Interval& interval = intervals_[b];
      const bool usable = interval.status == Status::ok;
      host_start_[b] = usable ? 2 / (interval.b / plan.ratio + interval.b) : 0;
    }
    status = copy_in(s_, start_.data(), host_start_.data(), contiguous(p_.batch * sizeof(double)));
    if (status == Status::ok) status = first_residual(s_, shape_, a(), p_.damping, start_.data(), factor(0));
    for (unsigned k = 0; status == Status::ok && k + 1 < plan.steps; ++k) {
      if (s_.cancelled()) return Status::cancelled;
      status = square_factor(plan, k);
      double* traces = traces_.data() + k * p_.batch;
      if (status == Status::ok) status = residual_squares(s_, shape_, factor(k + 1), plan.scale[k], traces);
    }
    return status;
  }

  bool coarse(const BatchPlan& plan, unsigned k) const noexcept {
    return std::is_same_v<F, float> && k + 1 + kCoarseProducts >= plan.steps && k > kCoarseProducts;
  }

  // R_{k+1} = s R_k^2 + (1 - s) I
  Status square_factor(const BatchPlan& plan, unsigned k) noexcept {
    Product product_of{};
    product_of.batch = p_.batch;
    product_of.m = product_of.n = product_of.k = p_.n;
    product_of.math = std::is_same_v<F, double> ? Math::f64 : coarse(plan, k) ? Math::tf32 : Math::tf32x3;
    product_of.lower = true;
    product_of.alpha = plan.scale[k];
    product_of.gamma = 1 - plan.scale[k];
    product_of.a = product_of.b = {factor(k), kTypeOf<F>, p_.n, 1, square_, 0, 0};
    product_of.c = factor(k + 1);
    product_of.c_type = kTypeOf<F>;
    product_of.c_stride = p_.n;
    product_of.c_batch_stride = square_;
    return product(&s_, &product_of);
  }

  // w <- X_K w but for the start, which w carries already: w <- s_k (w + R_k w), the last factor first.
  Status apply(const BatchPlan& plan) noexcept {
    const std::size_t bytes = p_.batch * block_ * sizeof(F);
    for (unsigned k = plan.steps; k-- > 0;) {
      F* from = w_[turn_].data();
      F* to = w_[1 - turn_].data();
      Status status =
          s_.check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, s_.compute), "a copy on the device");
      if (status != Status::ok) return status;
      Product product_of{};
      product_of.batch = p_.batch;
      product_of.m = p_.rhs;
      product_of.n = product_of.k = p_.n;
      product_of.math = std::is_same_v<F, double> ? Math::f64 : Math::tf32x3;
      product_of.alpha = product_of.beta = plan.scale[k];
      product_of.a = {from, kTypeOf<F>, p_.n, 1, block_, 0, 0};
      product_of.b = {factor(k), kTypeOf<F>, p_.n, 1, square_, 0, 0};  // symmetric
      product_of.c = to;
      product_of.c_type = kTypeOf<F>;
      product_of.c_stride = p_.n;
      product_of.c_batch_stride = block_;
      status = product(&s_, &product_of);
      if (status != Status::ok) return status;
      turn_ = 1 - turn_;
    }
    return Status::ok;
  }

  // r <- V - (A + damping I) x in float64, and its squares.
  Status remainder() noexcept {
    Status status = start_remainder(s_, shape_, static_cast<const T*>(p_.v), p_.damping, x_.data(), r_.data());
    if (status != Status::ok) return status;
    Product product_of{};
    product_of.batch = p_.batch;
    product_of.m = p_.rhs;
    product_of.n = product_of.k = p_.n;
    product_of.math = Math::f64;
    product_of.alpha = -1;
    product_of.beta = 1;
    product_of.a = {x_.data(), Type::f64, p_.n, 1, block_, 0, 0};
    product_of.b = {wide(), Type::f64, p_.n, 1, square_, 0, 0};  // rows of A: one that is not symmetric shows up
    product_of.c = r_.data();
    product_of.c_type = Type::f64;
    product_of.c_stride = p_.n;
    product_of.c_batch_stride = block_;
    status = product(&s_, &product_of);
    if (status != Status::ok) return status;
    return keep_best(s_, shape_, r_.data(), x_.data(), total_.data(), least_.data(), best_.data());
  }

  const void* wide() noexcept { return std::is_same_v<T, float> ? static_cast<const void*>(wide_.data()) : p_.a; }

  Status refine(const BatchPlan& plan) noexcept {
    Status status = Status::ok;
    if constexpr (std::is_same_v<T, float>) status = convert(s_, p_.batch * square_, a(), wide_.data());
    if (status == Status::ok) status = clear(x_.data(), p_.batch * block_);
    if (status == Status::ok) status = clear(best_.data(), p_.batch * block_);
    for (std::size_t b = 0; b < p_.batch; ++b) host_least_[b] = HUGE_VAL;
    if (status == Status::ok) {
      status = copy_in(s_, least_.data(), host_least_.data(), contiguous(p_.batch * sizeof(double)));
    }
    if (status == Status::ok) status = remainder();  // V itself: x is zero
    if (status == Status::ok) status = take(least_, host_whole_.data(), p_.batch);
    for (passes_ = 0; status == Status::ok && passes_ < kMostPasses;) {
      ++passes_;
      status = pass(plan);
      if (status == Status::ok && passes_ >= planned(plan)) {
        status = take(least_, host_least_.data(), p_.batch);
        if (status == Status::ok && settled()) break;
      }
    }
    return status;
  }

  Status pass(const BatchPlan& plan) noexcept {
    if (s_.cancelled()) return Status::cancelled;
    turn_ = 0;
    Status status = scale_rows(s_, shape_, r_.data(), start_.data(), sizes_.data(), w_[0].data());
    if (status == Status::ok) status = apply(plan);
    if (status == Status::ok) status = add_correction(s_, shape_, sizes_.data(), w_[turn_].data(), x_.data());
    return status == Status::ok ? remainder() : status;
  }

  // Passes after which the residual should be small: nobody looks before.
  unsigned planned(const BatchPlan& plan) const noexcept {
    const double gain = std::min(0.5, plan.rho[plan.steps] + plan.ratio * kRoundoff<F>);
    const double wanted = std::clamp(p_.tolerance, 1e-16, 0.5);
    return static_cast<unsigned>(std::clamp(std::ceil(std::log(wanted) / std::log(gain)), 1.0, 30.0));
  }

  // Whether no matrix would gain by another pass: done, or the last two looks differ by less than half.
  bool settled() noexcept {
    bool all = true;
    for (std::size_t b = 0; b < p_.batch; ++b) {
      const double now = host_least_[b], before = host_total_[b];
      const bool reached = now <= p_.tolerance * p_.tolerance * host_whole_[b];
      const bool stuck = passes_ > 1 && looked_ && !(now <= before / 4);
      if (!reached && !stuck && std::isfinite(now) && intervals_[b].status == Status::ok) all = false;
      host_total_[b] = now;
    }
    looked_ = true;
    return all;
  }

  // H in the type of A, and the residual of what is returned.
  Status output() noexcept {
    Status status = convert(s_, p_.batch * block_, best_.data(), static_cast<T*>(p_.h));
    if (status == Status::ok) status = convert(s_, p_.batch * block_, static_cast<const T*>(p_.h), x_.data());
    if (status == Status::ok) status = remainder();
    if (status == Status::ok) status = take(total_, host_total_.data(), p_.batch);
    if (status == Status::ok) status = take(traces_, host_traces_.data(), p_.batch * kMostDoublings);
    return status;
  }

  Status certify(const BatchPlan& plan, unsigned restarts) noexcept {
    HostArray<Certificate> certificates;
    if (!certificates.open(p_.batch)) return Status::out_of_memory;
    for (std::size_t b = 0; b < p_.batch; ++b) {
      Status status = outcome(plan, b);
      const bool grew = status == Status::diverged;
      const bool reached = host_total_[b] <= p_.tolerance * p_.tolerance * host_whole_[b];
      if ((grew || status == Status::step_limit || (!reached && guessed() && status == Status::ok)) &&
          restarts < kMostRestarts) {
        const Status again = restart(b, grew, restarts, certificates[b]);
        if (again != Status::not_positive_definite) {
          if (again != Status::ok) return again;
          continue;
        }
      }
      if (grew || status == Status::step_limit) status = Status::not_positive_definite;
      if (status == Status::ok && !reached) status = Status::stagnated;
      const Status written = write(plan, b, status, restarts, certificates[b]);
      if (written != Status::ok) return written;
    }
    return copy_in(s_, p_.certificates, certificates.data(), contiguous(p_.batch * sizeof(Certificate)));
  }

  bool guessed() const noexcept { return !(p_.lambda_min > 0) && !(p_.damping > 0); }

  // What the guard saw: diverged where an eigenvalue lies above the interval or below zero, step_limit where one lies
  // in (0, a).
  Status outcome(const BatchPlan& plan, std::size_t b) const noexcept {
    if (intervals_[b].status != Status::ok) return intervals_[b].status;
    if (!std::isfinite(host_whole_[b])) return Status::non_finite;
    const double order = static_cast<double>(p_.n), root = std::sqrt(order);
    double previous = HUGE_VAL;
    for (unsigned k = 0; k + 1 < plan.steps && !coarse(plan, k); ++k) {
      const double squares = host_traces_[k * p_.batch + b], size = squares < 0 ? 0 : std::sqrt(squares);
      if (!(size <= root * (plan.rho[k] + residual_slack(k, plan.ratio, order, kRoundoff<F>)))) {
        const bool grows = size > 1 && size > 1.01 * previous;
        return grows || !(size <= 1.01 * root) ? Status::diverged : Status::step_limit;
      }
      previous = size;
    }
    return Status::ok;
  }

  // The matrix by itself with a wider interval; not_positive_definite when none is left. Its results lie in place.
  Status restart(std::size_t b, bool grew, unsigned restarts, Certificate& certificate) noexcept {
    const Interval& interval = intervals_[b];
    Solve one = p_;
    one.batch = 1;
    one.a = a() + b * square_;
    one.v = static_cast<const T*>(p_.v) + b * block_;
    one.h = static_cast<T*>(p_.h) + b * block_;
    one.certificates = p_.certificates + b;
    one.lambda_min = interval.a;
    one.lambda_max = interval.b;
    if (grew) {
      if (interval.b >= interval.certain) return Status::not_positive_definite;
      one.lambda_max = interval.certain;
    } else {
      one.lambda_min = interval.a / 64;
      if (!(one.lambda_min > static_cast<double>(p_.n) * kRoundoff<F> * interval.b)) {
        return Status::not_positive_definite;
      }
    }
    LargeSolve again(s_, one);
    const Status status = again.run(restarts + 1);
    if (status != Status::ok) return status;
    return copy_out(s_, &certificate, one.certificates, contiguous(sizeof(Certificate)));
  }

  Status write(const BatchPlan& plan, std::size_t b, Status status, unsigned restarts, Certificate& out) noexcept {
    const bool usable = status == Status::ok || status == Status::stagnated;
    const double n = static_cast<double>(p_.n), rhs = static_cast<double>(p_.rhs);
    out = {};
    out.status = static_cast<std::int32_t>(status);
    out.steps = usable ? plan.steps : 0;
    out.refinements = usable ? passes_ - 1 : 0;
    out.restarts = restarts;
    out.residual = !usable               ? (host_whole_[b] == 0 ? 0 : 1)
                   : host_total_[b] == 0 ? 0
                                         : std::sqrt(host_total_[b] / host_whole_[b]);
    out.lambda_min = intervals_[b].a;
    out.lambda_max = intervals_[b].b;
    out.flops = (plan.steps - 1) * n * n * (n + 1) + passes_ * 2 * n * n * rhs * (plan.steps + 1);
    return usable ? Status::ok : clear(static_cast<T*>(p_.h) + b * block_, block_);
  }

  template <class N>
  Status clear(N* memory, std::size_t count) noexcept {
    return s_.check(cudaMemsetAsync(memory, 0, count * sizeof(N), s_.compute), "clearing memory");
  }
  Status take(DeviceBuffer<double>& from, double* to, std::size_t count) noexcept {
    return copy_out(s_, to, from.data(), contiguous(count * sizeof(double)));
  }

  Session& s_;
  const Solve p_;
  const BatchShape shape_;
  const std::size_t square_, block_;
  DeviceBuffer<double> certain_, start_, total_, least_, sizes_, traces_, scratch_, r_, x_, best_, wide_;
  DeviceBuffer<F> w_[2], factors_;
  HostArray<double> host_start_, host_total_, host_least_, host_whole_, host_traces_;
  HostArray<Interval> intervals_;
  unsigned turn_ = 0, passes_ = 0;
  bool looked_ = false;
};

template <class T, class F>
Status solve(Session& session, const Solve& p) noexcept {
  LargeSolve<T, F> run(session, p);
  return run.run(0);
}

}  // namespace

std::size_t hyperpower_solve_bytes(const Solve& p) noexcept {
  const std::size_t number = p.type == Type::f64 ? 8 : 4, factor = p.single ? 4 : 8;
  const std::size_t factors = p.single ? 12 : 16;  // as many as usual ratios take; a solve that needs more says so
  return p.n * p.n * (factors * factor + number + 8) + p.rhs * p.n * (24 + 2 * factor + 2 * number) + 1024;
}

Status hyperpower_solve_large(Session* session, const Solve* problem) noexcept {
  const Solve& p = *problem;
  if (p.batch == 0 || p.n == 0) return Status::ok;
  if (p.type == Type::f32) {
    return p.single ? solve<float, float>(*session, p) : solve<float, double>(*session, p);
  }
  return p.single ? solve<double, float>(*session, p) : solve<double, double>(*session, p);
}

}  // namespace gradsift::cuda
