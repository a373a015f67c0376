#include "native/cuda/hyperpower_kernels.h"

#include "native/cuda/block_sums.cuh"

namespace gradsift::cuda {

namespace {

constexpr unsigned kThreads = 256, kWarps = kThreads / kWarp;

__device__ std::size_t global_thread() { return std::size_t{blockIdx.x} * kThreads + threadIdx.x; }
__device__ std::size_t global_warp() { return std::size_t{blockIdx.x} * kWarps + threadIdx.x / kWarp; }

Grid elementwise(std::size_t elements) noexcept { return {(elements + kThreads - 1) / kThreads}; }
Grid warp_each(std::size_t rows) noexcept { return {(rows + kWarps - 1) / kWarps}; }

struct NormArgs {
  BatchShape shape;
  const void* a;
  double damping;
  double* scratch;
  double* certain;
};

// A warp a row of a matrix: the sum of sizes, and of squares.
template <class T>
__global__ void __launch_bounds__(kThreads) row_norms_kernel(const NormArgs args) {
  const std::size_t n = args.shape.n, rows = args.shape.batch * n, row = global_warp();
  if (row >= rows) return;
  const T* entries = static_cast<const T*>(args.a) + row * n;
  double sizes = 0, squares = 0;
  for (std::size_t j = threadIdx.x % kWarp; j < n; j += kWarp) {
    const double entry = static_cast<double>(entries[j]) + (j == row % n ? args.damping : 0);
    sizes += fabs(entry);
    squares = fma(entry, entry, squares);
  }
  sizes = warp_sum(sizes);
  squares = warp_sum(squares);
  if (threadIdx.x % kWarp == 0) {
    args.scratch[row] = sizes;
    args.scratch[rows + row] = squares;
  }
}

__global__ void __launch_bounds__(kThreads) bounds_kernel(const NormArgs args) {
  double* partial = reinterpret_cast<double*>(shared_memory());
  const std::size_t n = args.shape.n, b = blockIdx.x, rows = args.shape.batch * n;
  double infinity = 0, squares = 0;
  for (std::size_t i = threadIdx.x; i < n; i += kThreads) {
    infinity = larger(args.scratch[b * n + i], infinity);
    squares += args.scratch[rows + b * n + i];
  }
#pragma unroll
  for (unsigned mask = kWarp / 2; mask != 0; mask /= 2) infinity = larger(shuffle_xor(infinity, mask), infinity);
  infinity = block_largest(infinity, partial);
  squares = block_sum(warp_sum(squares), partial);
  if (threadIdx.x != 0) return;
  const double frobenius = squares > 1e-280 && squares < 1e300 ? sqrt(squares) : infinity;
  const double least = infinity <= frobenius || infinity != infinity ? infinity : frobenius;
  args.certain[b] = least * (1 + 4 * 0x1p-52 * static_cast<double>(n));
}

template <class T, class F>
struct ResidualArgs {
  BatchShape shape;
  const T* a;
  double damping;
  const double* start;
  F* out;
};

template <class T, class F>
__global__ void __launch_bounds__(kThreads) residual_kernel(const ResidualArgs<T, F> args) {
  const std::size_t n = args.shape.n, at = global_thread();
  if (at >= args.shape.batch * n * n) return;
  const double start = args.start[at / (n * n)];
  const double one = at % (n * n) % (n + 1) == 0 ? 1 : 0;
  args.out[at] = static_cast<F>(one - start * (static_cast<double>(args.a[at]) + one * args.damping));
}

template <class F>
struct TraceArgs {
  BatchShape shape;
  const F* next;
  double scale;
  double* squares;
};

template <class F>
__global__ void __launch_bounds__(kThreads) trace_kernel(const TraceArgs<F> args) {
  const std::size_t n = args.shape.n, b = global_warp();
  if (b >= args.shape.batch) return;
  double sum = 0;
  for (std::size_t i = threadIdx.x % kWarp; i < n; i += kWarp) {
    sum += (static_cast<double>(args.next[(b * n + i) * n + i]) - (1 - args.scale)) / args.scale;
  }
  sum = warp_sum(sum);
  if (threadIdx.x % kWarp == 0) args.squares[b] = sum;
}

template <class From, class To>
struct ConvertArgs {
  std::size_t count;
  const From* from;
  To* to;
};

template <class From, class To>
__global__ void __launch_bounds__(kThreads) convert_kernel(const ConvertArgs<From, To> args) {
  const std::size_t at = global_thread();
  if (at < args.count) args.to[at] = static_cast<To>(args.from[at]);
}

template <class F>
struct RowArgs {
  BatchShape shape;
  const double* r;
  const double* start;
  double* sizes;
  F* w;
  double* x;
};

template <class F>
__global__ void __launch_bounds__(kThreads) scale_kernel(const RowArgs<F> args) {
  const std::size_t n = args.shape.n, row = global_warp();
  if (row >= args.shape.batch * args.shape.rhs) return;
  const double* r = args.r + row * n;
  double squares = 0;
  for (std::size_t j = threadIdx.x % kWarp; j < n; j += kWarp) squares = fma(r[j], r[j], squares);
  const double size = sqrt(warp_sum(squares));
  const double scale = size > 0 ? args.start[row / args.shape.rhs] / size : 0;
  for (std::size_t j = threadIdx.x % kWarp; j < n; j += kWarp) args.w[row * n + j] = static_cast<F>(scale * r[j]);
  if (threadIdx.x % kWarp == 0) args.sizes[row] = size;
}

template <class F>
__global__ void __launch_bounds__(kThreads) correction_kernel(const RowArgs<F> args) {
  const std::size_t n = args.shape.n, at = global_thread();
  if (at >= args.shape.batch * args.shape.rhs * n) return;
  args.x[at] += args.sizes[at / n] * static_cast<double>(args.w[at]);
}

template <class T>
struct RemainderArgs {
  std::size_t count;
  const T* v;
  double damping;
  const double* x;
  double* r;
};

template <class T>
__global__ void __launch_bounds__(kThreads) remainder_kernel(const RemainderArgs<T> args) {
  const std::size_t at = global_thread();
  if (at < args.count) args.r[at] = static_cast<double>(args.v[at]) - args.damping * args.x[at];
}

struct BestArgs {
  std::size_t elements;  // of a block
  const double* r;
  const double* x;
  double* total;
  double* least;
  double* best;
};

__global__ void __launch_bounds__(kThreads) best_kernel(const BestArgs args) {
  double* partial = reinterpret_cast<double*>(shared_memory());
  const std::size_t b = blockIdx.x, first = b * args.elements;
  double squares = 0;
  for (std::size_t i = threadIdx.x; i < args.elements; i += kThreads) {
    squares = fma(args.r[first + i], args.r[first + i], squares);
  }
  squares = block_sum(warp_sum(squares), partial);
  const bool better = squares < args.least[b];
  block_barrier();  // all have read the least
  for (std::size_t i = threadIdx.x; better && i < args.elements; i += kThreads)
    args.best[first + i] = args.x[first + i];
  if (threadIdx.x != 0) return;
  args.total[b] = squares;
  if (better) args.least[b] = squares;
}

constexpr std::size_t kPartialBytes = kMostWarps * sizeof(double);

}  // namespace

template <class T>
Status upper_bounds(Session& session, const BatchShape& shape, const T* a, double damping, double* scratch,
                    double* certain) noexcept {
  const NormArgs args{shape, a, damping, scratch, certain};
  const Status status =
      launch(session, "norms", row_norms_kernel<T>, warp_each(shape.batch * shape.n), kThreads, 0, args);
  if (status != Status::ok) return status;
  return launch(session, "norms", bounds_kernel, {shape.batch}, kThreads, kPartialBytes, args);
}

template <class T, class F>
Status first_residual(Session& session, const BatchShape& shape, const T* a, double damping, const double* start,
                      F* out) noexcept {
  const ResidualArgs<T, F> args{shape, a, damping, start, out};
  const Grid grid = elementwise(shape.batch * shape.n * shape.n);
  return launch(session, "the first residual", residual_kernel<T, F>, grid, kThreads, 0, args);
}

template <class F>
Status residual_squares(Session& session, const BatchShape& shape, const F* next, double scale,
                        double* squares) noexcept {
  const TraceArgs<F> args{shape, next, scale, squares};
  return launch(session, "a trace", trace_kernel<F>, warp_each(shape.batch), kThreads, 0, args);
}

template <class From, class To>
Status convert(Session& session, std::size_t count, const From* from, To* to) noexcept {
  const ConvertArgs<From, To> args{count, from, to};
  return launch(session, "a conversion", convert_kernel<From, To>, elementwise(count), kThreads, 0, args);
}

template <class F>
Status scale_rows(Session& session, const BatchShape& shape, const double* r, const double* start, double* sizes,
                  F* w) noexcept {
  const RowArgs<F> args{shape, r, start, sizes, w, nullptr};
  return launch(session, "row sizes", scale_kernel<F>, warp_each(shape.rows()), kThreads, 0, args);
}

template <class F>
Status add_correction(Session& session, const BatchShape& shape, const double* sizes, const F* w, double* x) noexcept {
  const RowArgs<F> args{shape, nullptr, nullptr, const_cast<double*>(sizes), const_cast<F*>(w), x};
  const Grid grid = elementwise(shape.rows() * shape.n);
  return launch(session, "a correction", correction_kernel<F>, grid, kThreads, 0, args);
}

template <class T>
Status start_remainder(Session& session, const BatchShape& shape, const T* v, double damping, const double* x,
                       double* r) noexcept {
  const RemainderArgs<T> args{shape.rows() * shape.n, v, damping, x, r};
  return launch(session, "a remainder", remainder_kernel<T>, elementwise(args.count), kThreads, 0, args);
}

Status keep_best(Session& session, const BatchShape& shape, const double* r, const double* x, double* total,
                 double* least, double* best) noexcept {
  const BestArgs args{shape.rhs * shape.n, r, x, total, least, best};
  return launch(session, "residuals", best_kernel, {shape.batch}, kThreads, kPartialBytes, args);
}

template Status upper_bounds(Session&, const BatchShape&, const float*, double, double*, double*) noexcept;
template Status upper_bounds(Session&, const BatchShape&, const double*, double, double*, double*) noexcept;
template Status first_residual(Session&, const BatchShape&, const float*, double, const double*, float*) noexcept;
template Status first_residual(Session&, const BatchShape&, const float*, double, const double*, double*) noexcept;
template Status first_residual(Session&, const BatchShape&, const double*, double, const double*, float*) noexcept;
template Status first_residual(Session&, const BatchShape&, const double*, double, const double*, double*) noexcept;
template Status residual_squares(Session&, const BatchShape&, const float*, double, double*) noexcept;
template Status residual_squares(Session&, const BatchShape&, const double*, double, double*) noexcept;
template Status convert(Session&, std::size_t, const float*, double*) noexcept;
template Status convert(Session&, std::size_t, const double*, float*) noexcept;
template Status convert(Session&, std::size_t, const double*, double*) noexcept;
template Status scale_rows(Session&, const BatchShape&, const double*, const double*, double*, float*) noexcept;
template Status scale_rows(Session&, const BatchShape&, const double*, const double*, double*, double*) noexcept;
template Status add_correction(Session&, const BatchShape&, const double*, const float*, double*) noexcept;
template Status add_correction(Session&, const BatchShape&, const double*, const double*, double*) noexcept;
template Status start_remainder(Session&, const BatchShape&, const float*, double, const double*, double*) noexcept;
template Status start_remainder(Session&, const BatchShape&, const double*, double, const double*, double*) noexcept;

}  // namespace gradsift::cuda
