#include "native/kernels/avx2/table.h"

#ifdef GRADSIFT_X86
#include "native/kernels/portable/table.h"

namespace gradsift {

namespace {

bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

}  // namespace

constinit const KernelTable kAvx2 = {
    .name = "avx2",
    .below = &kPortable,
    .supported = has_avx2,
};

}  // namespace gradsift
#endif
