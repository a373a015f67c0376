#include "native/cuda/product_launch.cuh"

namespace gradsift::cuda {

Status product_tf32(Session& session, const Product& p) noexcept {
  if (p.a.type != Type::f32) return session.fail(Status::device_failed, "TF32 products are of float32");
  if (p.math == Math::tf32x3) return launch_product<Tf32Config<true>, float>(session, p);
  return launch_product<Tf32Config<false>, float>(session, p);
}

}  // namespace gradsift::cuda
