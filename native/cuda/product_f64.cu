#include "native/cuda/product_launch.cuh"

namespace gradsift::cuda {

Status product_f64(Session& session, const Product& p) noexcept {
  switch (p.a.type) {
    case Type::f64:
      return launch_product<F64Config, double>(session, p);
    case Type::f32:
      return launch_gram<F64Config, float>(session, p);
    case Type::bf16:
      return launch_gram<F64Config, Bf16>(session, p);
    case Type::f16:
      return launch_gram<F64Config, F16>(session, p);
  }
  return session.fail(Status::device_failed, "an unknown type");
}

}  // namespace gradsift::cuda
