#include "native/cuda/row_dots.h"

#include <algorithm>

#include "native/cuda/block_sums.cuh"
#include "native/cuda/instructions.h"
#include "native/cuda/numbers.h"
#include "native/cuda/tiles.h"

namespace gradsift::cuda {

namespace {

// A warp takes four rows, so that a query's element fetched from shared memory serves four products; a block takes
// eight warps' rows, so that a query fetched from the L2 cache serves 32. First choices, unmeasured.
constexpr unsigned kRowsOfWarp = 4, kWarps = 8, kRowsOfBlock = kRowsOfWarp * kWarps;
// Queries in one pass over the rows: their sums stay in registers.
constexpr unsigned kQueries = 4;
// Elements of the queries in shared memory at a time: 16 KiB, several blocks fit a multiprocessor.
constexpr unsigned kSegment = 512;

struct DotsArgs {
  const void* x;
  std::size_t count, length, row_stride;
  const double* h;
  std::size_t queries;  // of this pass, at most kQueries
  double alpha, beta;
  double* out;
  std::size_t out_stride;
  double* norms;
};

// Every lane sums its elements of a row in order, then the lanes are added as a tree: the order depends on the length
// alone.
template <class In>
__global__ void __launch_bounds__(kWarps* kWarp, 2) dots_kernel(const DotsArgs args) {
  double* segment = reinterpret_cast<double*>(shared_memory());
  const unsigned lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const std::size_t first = std::size_t{blockIdx.x} * kRowsOfBlock + warp * kRowsOfWarp;
  double sum[kRowsOfWarp][kQueries] = {}, square[kRowsOfWarp] = {};
  for (std::size_t start = 0; start < args.length; start += kSegment) {
    const unsigned width = static_cast<unsigned>(args.length - start < kSegment ? args.length - start : kSegment);
    block_barrier();
    for (unsigned at = threadIdx.x; at < kQueries * kSegment; at += kWarps * kWarp) {
      const unsigned q = at / kSegment, j = at % kSegment;
      segment[at] = q < args.queries && j < width ? args.h[q * args.length + start + j] : 0;
    }
    block_barrier();
    for (unsigned j = lane; j < width; j += kWarp) {
      double x[kRowsOfWarp];
#pragma unroll
      for (unsigned i = 0; i < kRowsOfWarp; ++i) {
        const std::size_t row = first + i;
        x[i] = 0;
        if (row < args.count) x[i] = widen(static_cast<const In*>(args.x)[row * args.row_stride + start + j]);
        square[i] = fma(x[i], x[i], square[i]);
      }
#pragma unroll
      for (unsigned q = 0; q < kQueries; ++q) {
        const double h = segment[q * kSegment + j];
#pragma unroll
        for (unsigned i = 0; i < kRowsOfWarp; ++i) sum[i][q] = fma(h, x[i], sum[i][q]);
      }
    }
  }
#pragma unroll
  for (unsigned i = 0; i < kRowsOfWarp; ++i) {
    const std::size_t row = first + i;
    const double norm = warp_sum(square[i]);
    if (lane == 0 && row < args.count && args.norms != nullptr) args.norms[row] = norm;
#pragma unroll
    for (unsigned q = 0; q < kQueries; ++q) {
      const double dot = warp_sum(sum[i][q]);
      if (lane != 0 || row >= args.count || q >= args.queries) continue;
      double& out = args.out[q * args.out_stride + row];
      const double value = args.alpha * dot;
      out = args.beta == 0 ? value : value + args.beta * out;
    }
  }
}

template <class In>
Status launch_dots(Session& session, const DotsArgs& args) noexcept {
  const Grid grid{(args.count + kRowsOfBlock - 1) / kRowsOfBlock};
  return launch(session, "row dots", dots_kernel<In>, grid, kWarps * kWarp, kQueries * kSegment * sizeof(double), args);
}

Status launch_dots(Session& session, Type type, const DotsArgs& args) noexcept {
  switch (type) {
    case Type::f32:
      return launch_dots<float>(session, args);
    case Type::f64:
      return launch_dots<double>(session, args);
    case Type::bf16:
      return launch_dots<Bf16>(session, args);
    case Type::f16:
      return launch_dots<F16>(session, args);
  }
  return session.fail(Status::device_failed, "an unknown type");
}

}  // namespace

Status row_dots(Session* session, const RowDots* problem) noexcept {
  const RowDots& p = *problem;
  if (p.count == 0) return Status::ok;
  std::size_t done = 0;
  do {  // once without queries too, for the norms
    DotsArgs args{p.x, p.count, p.length, p.row_stride, p.h, 0, p.alpha, p.beta, p.out, p.out_stride, nullptr};
    args.h += done * p.length;
    args.out += done * p.out_stride;
    args.queries = std::min<std::size_t>(kQueries, p.queries - done);
    if (done == 0) args.norms = p.norms;
    if (args.queries == 0 && args.norms == nullptr) return Status::ok;
    const Status status = launch_dots(*session, p.type, args);
    if (status != Status::ok) return status;
    done += args.queries;
  } while (done < p.queries);
  return Status::ok;
}

}  // namespace gradsift::cuda
