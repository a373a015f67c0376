#include "native/cuda/product_launch.cuh"

namespace gradsift::cuda {

Status product_half(Session& session, const Product& p) noexcept {
  if (p.a.type == Type::bf16) return launch_product<HalfConfig, Bf16>(session, p);
  if (p.a.type == Type::f16) return launch_product<HalfConfig, F16>(session, p);
  return session.fail(Status::device_failed, "16-bit products are of bfloat16 or half");
}

}  // namespace gradsift::cuda
