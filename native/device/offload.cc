#include "native/device/offload.h"

#include "native/core/buffer.h"
#include "native/device/cuda_library.h"

namespace gradsift {

namespace {

template <class T>
constexpr cuda::Type kType = cuda::Type::f32;
template <>
constexpr cuda::Type kType<double> = cuda::Type::f64;

template <class T>
constexpr cuda::Math kMath = kType<T> == cuda::Type::f32 ? cuda::Math::tf32x3 : cuda::Math::f64;

cuda::Type type_of(StoredType type) noexcept {
  switch (type) {
    case StoredType::f64:
      return cuda::Type::f64;
    case StoredType::bf16:
      return cuda::Type::bf16;
    case StoredType::f16:
      return cuda::Type::f16;
    default:
      return cuda::Type::f32;
  }
}

bool cancelled(void* execution) noexcept { return static_cast<const Execution*>(execution)->cancelled(); }
void advance(void* execution, std::uint64_t units) noexcept {
  static_cast<const Execution*>(execution)->advance(units);
}

// Runs one routine of the library in a session of the device.
template <class Problem>
Status call(int device, const Execution& execution,
            Status (*cuda::Routines::*routine)(cuda::Session*, const Problem*, const cuda::Watch*) noexcept,
            const Problem& problem) noexcept {
  const CudaLease lease(device);
  if (lease.status() != Status::ok) return lease.status();
  const cuda::Plugin& plugin = *cuda_library().plugin;
  const auto run = plugin.routines->*routine;
  if (run == nullptr) {
    note_cuda_error("this operation does not run on a GPU yet");
    return Status::device_failed;
  }
  const cuda::Watch watch{cancelled, advance, const_cast<Execution*>(&execution)};
  const Status status = run(lease.session(), &problem, &watch);
  if (status == Status::device_failed || status == Status::out_of_memory)
    note_cuda_error(plugin.error(lease.session()));
  return status;
}

template <class T>
cuda::Operand operand(const T* data, std::size_t line_stride, std::size_t depth_stride, std::size_t batch) noexcept {
  return {data, kType<T>, line_stride, depth_stride, batch, 0, 0};
}

// Runs a solver and takes over the certificates of its batch.
template <class Problem>
Status certified(int device, const Execution& execution,
                 Status (*cuda::Routines::*routine)(cuda::Session*, const Problem*, const cuda::Watch*) noexcept,
                 Problem problem, Certificate* out) noexcept {
  Buffer<cuda::Certificate> certificates(problem.batch);
  if (!certificates) return Status::out_of_memory;
  problem.certificates = certificates.data();
  const Status status = call(device, execution, routine, problem);
  if (status != Status::ok) return status;
  for (std::size_t b = 0; b < problem.batch; ++b) {
    const cuda::Certificate& c = certificates[b];
    out[b] = {static_cast<Status>(c.status),
              c.steps,
              c.refinements,
              c.restarts,
              c.residual,
              c.lambda_min,
              c.lambda_max,
              c.flops};
  }
  return status;
}

template <class T>
cuda::Gram gram_of(const GfimBlock<T>& block, cuda::Type type, cuda::Math math) noexcept {
  return {block.rows, type, math, block.transpose_samples, block.samples, block.r, block.d, block.scale, block.out};
}

}  // namespace

template <class T>
Status offload(int device, const Execution& execution, const Gemm<T>& p) noexcept {
  cuda::Product product{};
  product.batch = p.batch;
  product.m = p.m;
  product.n = p.n;
  product.k = p.k;
  product.math = kMath<T>;
  product.alpha = static_cast<double>(p.alpha);
  product.beta = static_cast<double>(p.beta);
  product.a = operand(p.a.data, p.a.row_stride, p.a.column_stride, p.a.batch_stride);
  product.b = operand(p.b.data, p.b.column_stride, p.b.row_stride, p.b.batch_stride);
  product.c = p.c.data;
  product.c_type = kType<T>;
  product.c_stride = p.c.row_stride;
  product.c_batch_stride = p.c.batch_stride;
  return call(device, execution, &cuda::Routines::product, product);
}

template <class T>
Status offload(int device, const Execution& execution, const SymmetricProduct<T>& p) noexcept {
  cuda::Product product{};
  product.batch = p.batch;
  product.m = product.n = product.k = p.n;
  product.math = kMath<T>;
  product.lower = true;
  product.alpha = static_cast<double>(p.alpha);
  product.beta = static_cast<double>(p.beta);
  product.gamma = static_cast<double>(p.gamma);
  product.a = operand(p.a.data, p.a.row_stride, 1, p.a.batch_stride);
  product.b = operand(p.b.data, p.b.row_stride, 1, p.b.batch_stride);  // symmetric: its rows are its columns
  product.c = p.c.data;
  product.c_type = kType<T>;
  product.c_stride = p.c.row_stride;
  product.c_batch_stride = p.c.batch_stride;
  return call(device, execution, &cuda::Routines::product, product);
}

template <class T>
Status offload(int device, const Execution& execution, const GfimBlock<T>& block) noexcept {
  // Rows of float64 lose nothing, whatever precision is asked for: a GPU is not slower for it by much.
  const bool f64 = block.precision == GramPrecision::f64 || kType<T> == cuda::Type::f64;
  return call(device, execution, &cuda::Routines::gram,
              gram_of(block, kType<T>, f64 ? cuda::Math::f64 : cuda::Math::tf32x3));
}

template <>
Status offload(int device, const Execution& execution, const GfimBlock<std::uint16_t>& block) noexcept {
  const cuda::Type type = block.half == HalfType::bf16 ? cuda::Type::bf16 : cuda::Type::f16;
  const bool f64 = block.precision == GramPrecision::f64;
  return call(device, execution, &cuda::Routines::gram, gram_of(block, type, f64 ? cuda::Math::f64 : cuda::Math::half));
}

Status offload(int device, const Execution& execution, const RowDots& p) noexcept {
  const cuda::RowDots dots{
      p.rows.data, type_of(p.rows.type), p.rows.count, p.length, p.rows.stride, p.h, p.queries, p.alpha, p.beta,
      p.out,       p.out_stride,         p.norms};
  return call(device, execution, &cuda::Routines::row_dots, dots);
}

template <class T>
Status offload(int device, const Execution& execution, const HyperpowerSolve<T>& p) noexcept {
  const cuda::Solve solve{p.batch,      p.n, p.rhs, kType<T>,    p.a,     p.damping, p.lambda_min,
                          p.lambda_max, p.v, p.h,   p.tolerance, p.mixed, nullptr};
  return certified(device, execution, &cuda::Routines::hyperpower_solve, solve, p.certificates);
}

template <class T>
Status offload(int device, const Execution& execution, const CholeskySolve<T>& p) noexcept {
  const bool single = p.mixed || kType<T> == cuda::Type::f32;
  const cuda::Solve solve{p.batch, p.n, p.rhs, kType<T>, p.a, p.damping, 0, 0, p.v, p.h, p.tolerance, single, nullptr};
  return certified(device, execution, &cuda::Routines::cholesky_solve, solve, p.certificates);
}

template <class T>
Status offload(int device, const Execution& execution, const ScaledInverse<T>& p) noexcept {
  const cuda::Inverse inverse{p.batch,      p.n,          kType<T>, p.a,         p.damping,
                              p.lambda_min, p.lambda_max, p.x,      p.tolerance, nullptr};
  return certified(device, execution, &cuda::Routines::hyperpower_inverse, inverse, p.certificates);
}

template Status offload(int, const Execution&, const Gemm<float>&) noexcept;
template Status offload(int, const Execution&, const Gemm<double>&) noexcept;
template Status offload(int, const Execution&, const SymmetricProduct<float>&) noexcept;
template Status offload(int, const Execution&, const SymmetricProduct<double>&) noexcept;
template Status offload(int, const Execution&, const GfimBlock<float>&) noexcept;
template Status offload(int, const Execution&, const GfimBlock<double>&) noexcept;
template Status offload(int, const Execution&, const HyperpowerSolve<float>&) noexcept;
template Status offload(int, const Execution&, const HyperpowerSolve<double>&) noexcept;
template Status offload(int, const Execution&, const CholeskySolve<float>&) noexcept;
template Status offload(int, const Execution&, const CholeskySolve<double>&) noexcept;
template Status offload(int, const Execution&, const ScaledInverse<float>&) noexcept;
template Status offload(int, const Execution&, const ScaledInverse<double>&) noexcept;

}  // namespace gradsift
