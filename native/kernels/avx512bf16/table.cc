#include "native/kernels/table.h"

#ifdef GRADSIFT_X86
#include <immintrin.h>

#include <atomic>

#include "native/kernels/avx512bf16/begin.h"  // the region: only our own headers below this line

#include "native/kernels/avx512bf16/simd.h"

#include "native/kernels/generic/tile.h"

#include "native/kernels/avx512bf16/end.h"

namespace gradsift {

namespace {

using avx512bf16::Bf16;

// As the float32 tile of avx512/: 24 sums + 3 of B + 1 of A.
constexpr std::size_t kTileRows = 8;
constexpr std::size_t kTileVectors = 3;

bool supported() noexcept { return kAvx512.supported() && __builtin_cpu_supports("avx512bf16"); }

}  // namespace

constinit const KernelTable kAvx512Bf16 = {
    .name = "avx512bf16",
    .below = &kAvx512,
    .supported = supported,
    .tile_bf16 = &generic::kTile<Bf16, kTileRows, kTileVectors>,
};

}  // namespace gradsift
#endif
