#include "native/binding/operations.h"
#include "native/linalg/rows.h"

namespace gradsift::binding {

// 0 bits, 1 out, 2 count, 3 bf16 (else f16)
std::unique_ptr<Operation> prepare_widen(const Arguments& arguments) {
  const std::size_t count = arguments.size(2);
  const std::uint16_t* bits = arguments.array<std::uint16_t>(0, count).data;
  float* out = arguments.array<float>(1, count).data;
  const auto widen = arguments.flag(3) ? widen_bf16 : widen_f16;
  return operation([=](const Execution& execution) noexcept { return widen(execution, bits, count, out); });
}

}  // namespace gradsift::binding
