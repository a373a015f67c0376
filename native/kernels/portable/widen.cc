#include "native/kernels/portable/widen.h"

#include "native/kernels/portable/table.h"

namespace gradsift::portable {

void widen_bf16(const std::uint16_t* bits, std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = widen(Bfloat16{bits[i]});
}

void widen_f16(const std::uint16_t* bits, std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = widen(Float16{bits[i]});
}

}  // namespace gradsift::portable
