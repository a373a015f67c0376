#include "native/cuda/product.h"

#include <algorithm>

#include "native/cuda/warp_tile.cuh"

namespace gradsift::cuda {

namespace {

bool lies_along_one(const Operand& x) noexcept { return x.depth_stride == 1 || (x.line_stride == 1 && x.run == 0); }

const char* objection(const Product& p) noexcept {
  if (p.a.type != p.b.type) return "a product of two types";
  if (!lies_along_one(p.a) || !lies_along_one(p.b)) return "an operand without a contiguous dimension";
  if (p.c_type != Type::f32 && p.c_type != Type::f64) return "a result that is neither float32 nor float64";
  if (p.lower && p.m != p.n) return "a triangle that is not square";
  return nullptr;
}

}  // namespace

unsigned product_tiles(const Product& p) noexcept {
  const std::size_t side = p.math == Math::f64 ? F64Config::kM : HalfConfig::kM;
  const std::size_t tiles = std::min<std::size_t>((p.m + side - 1) / side, 0xffff);
  return static_cast<unsigned>(tiles * (tiles + 1) / 2);
}

Status product(Session* session, const Product* problem) noexcept {
  const Product& p = *problem;
  const char* wrong = objection(p);
  if (wrong != nullptr) return session->fail(Status::device_failed, wrong);
  if (p.batch == 0 || p.m == 0 || p.n == 0) return Status::ok;
  switch (p.math) {
    case Math::tf32x3:
    case Math::tf32:
      return product_tf32(*session, p);
    case Math::half:
      return product_half(*session, p);
    case Math::f64:
      return product_f64(*session, p);
  }
  return session->fail(Status::device_failed, "a product of an unknown kind");
}

}  // namespace gradsift::cuda
