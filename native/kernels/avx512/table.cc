#include "native/kernels/avx512/table.h"

#ifdef GRADSIFT_X86
#include "native/kernels/avx2/table.h"

namespace gradsift {

namespace {

// What every server core with AVX-512 since 2017 has.
bool has_avx512() noexcept {
  return kAvx2.supported() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

}  // namespace

constinit const KernelTable kAvx512 = {
    .name = "avx512",
    .below = &kAvx2,
    .supported = has_avx512,
};

}  // namespace gradsift
#endif
