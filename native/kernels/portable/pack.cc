#include "native/kernels/portable/table.h"

namespace gradsift::portable {

namespace {

template <class From, class To>
void pack(const Pack<From, To>& pack) noexcept {
  for (std::size_t p = 0; p < pack.depth; ++p) {
    const From* source = pack.source + p * pack.depth_stride;
    To* panel = pack.panel + p * pack.width;
    std::size_t line = 0;
    for (; line < pack.lines; ++line) panel[line] = static_cast<To>(source[line * pack.line_stride]);
    for (; line < pack.width; ++line) panel[line] = 0;
  }
}

}  // namespace

void pack_f32(const Pack<float, float>& p) noexcept { pack(p); }
void pack_f64(const Pack<double, double>& p) noexcept { pack(p); }
void pack_f32_f64(const Pack<float, double>& p) noexcept { pack(p); }
void pack_f64_f32(const Pack<double, float>& p) noexcept { pack(p); }

}  // namespace gradsift::portable
