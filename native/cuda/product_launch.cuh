#pragma once
// From a Product to the launch of its kernel.

#include "native/cuda/product.h"
#include "native/cuda/product_kernel.cuh"

namespace gradsift::cuda {

inline bool along_depth(const Operand& operand) noexcept { return operand.depth_stride == 1; }

template <class In>
ProductSide side_of(const Operand& operand) noexcept {
  ProductSide side;
  side.data = operand.data;
  side.stride = along_depth(operand) ? operand.line_stride : operand.depth_stride;
  side.batch_stride = operand.batch_stride;
  side.run = operand.run;
  side.run_stride = operand.run_stride;
  const auto whole = [](std::size_t elements) { return elements * sizeof(In) % 16 == 0; };
  side.aligned = reinterpret_cast<std::uintptr_t>(operand.data) % 16 == 0 && whole(side.stride) &&
                 whole(side.batch_stride) && (side.run == 0 || (whole(side.run) && whole(side.run_stride)));
  return side;
}

template <class Config, class In, bool kAlongA, bool kAlongB>
Status launch_layout(Session& session, const Product& p) noexcept {
  ProductArgs args{};
  args.m = p.m;
  args.n = p.n;
  args.k = p.k;
  args.a = side_of<In>(p.a);
  args.b = side_of<In>(p.b);
  args.lower = p.lower;
  args.c_f64 = p.c_type == Type::f64;
  args.alpha = p.alpha;
  args.beta = p.beta;
  args.gamma = p.gamma;
  args.c = p.c;
  args.c_stride = p.c_stride;
  args.c_batch_stride = p.c_batch_stride;
  const std::size_t tiles_m = (p.m + Config::kM - 1) / Config::kM, tiles_n = (p.n + Config::kN - 1) / Config::kN;
  if (tiles_m > 0xffff || tiles_n > 0xffff) return session.fail(Status::device_failed, "a product too large");
  args.tiles_m = static_cast<unsigned>(tiles_m);
  args.tiles_n = static_cast<unsigned>(tiles_n);
  Grid grid;
  grid.x = p.lower ? tiles_m * (tiles_m + 1) / 2 : tiles_m * tiles_n;
  const auto kernel = product_kernel<Config, In, kAlongA, kAlongB>;
  constexpr std::size_t shared = ProductShape<Config, In, kAlongA, kAlongB>::kSharedBytes;
  for (std::size_t first = 0; first < p.batch; first += kMostBlocksAcross) {
    args.first_batch = first;
    grid.z = p.batch - first < kMostBlocksAcross ? p.batch - first : kMostBlocksAcross;
    const Status status = launch(session, "a product", kernel, grid, Config::kThreads, shared, args);
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

template <class Config, class In>
Status launch_product(Session& session, const Product& p) noexcept {
  const bool a = along_depth(p.a), b = along_depth(p.b);
  if (a) {
    return b ? launch_layout<Config, In, true, true>(session, p) : launch_layout<Config, In, true, false>(session, p);
  }
  return b ? launch_layout<Config, In, false, true>(session, p) : launch_layout<Config, In, false, false>(session, p);
}

// For types of which only Gram matrices are formed: both operands lie alike.
template <class Config, class In>
Status launch_gram(Session& session, const Product& p) noexcept {
  if (along_depth(p.a) != along_depth(p.b)) {
    return session.fail(Status::device_failed, "operands of this type must lie alike");
  }
  return along_depth(p.a) ? launch_layout<Config, In, true, true>(session, p)
                          : launch_layout<Config, In, false, false>(session, p);
}

}  // namespace gradsift::cuda
