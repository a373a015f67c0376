#include <algorithm>

#include "native/binding/operations.h"
#include "native/device/offload.h"
#include "native/linalg/gfim.h"

namespace gradsift::binding {

namespace {

// 0 rows, 1 out, 2 samples, 3 r, 4 d, 5 transposeSamples, 6 precision (0 f64, 1 f32, 2 bf16), 7 scale,
// 8 device (absent: the CPU)
template <class T>
GfimBlock<T> block_of(const Arguments& args) {
  GfimBlock<T> block;
  block.samples = args.size(2);
  block.r = args.size(3);
  block.d = args.size(4);
  block.transpose_samples = args.flag(5);
  block.precision = static_cast<GramPrecision>(std::min<std::size_t>(args.size(6), 2));
  block.scale = args.number(7);
  block.rows = args.array<T>(0, args.product({block.samples, block.r, block.d})).data;
  const std::size_t n = block.transpose_samples ? block.r : block.d;
  block.out = args.array<double>(1, args.product({n, n})).data;
  return block;
}

template <class T>
std::unique_ptr<Operation> on_device(const GfimBlock<T>& block, int device) {
  return operation([=](const Execution& execution) noexcept {
    return device == kCpu ? accumulate_gfim(execution, block) : offload(device, execution, block);
  });
}

template <class T>
std::unique_ptr<Operation> prepare(const Arguments& args) {
  const GfimBlock<T> block = block_of<T>(args);
  return on_device(block, args.device(8));
}

}  // namespace

std::unique_ptr<Operation> prepare_gfim(const Arguments& arguments) {
  return arguments.is_f64(0) ? prepare<double>(arguments) : prepare<float>(arguments);
}

// As gfim, with 0 rows of 16-bit values and 8 bf16 (else f16), 9 device
std::unique_ptr<Operation> prepare_gfim_half(const Arguments& arguments) {
  GfimBlock<std::uint16_t> block = block_of<std::uint16_t>(arguments);
  block.half = arguments.flag(8) ? HalfType::bf16 : HalfType::f16;
  return on_device(block, arguments.device(9));
}

// 0 out (one number), 1 r, 2 d, 3 transposeSamples
std::unique_ptr<Operation> prepare_gfim_tile_samples(const Arguments& arguments) {
  double* out = arguments.array<double>(0, 1).data;
  const std::size_t samples = gfim_tile_samples(arguments.size(1), arguments.size(2), arguments.flag(3));
  return operation([=](const Execution&) noexcept {
    *out = static_cast<double>(samples);
    return Status::ok;
  });
}

}  // namespace gradsift::binding
