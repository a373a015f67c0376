// Every kernel of every instruction set of this build against portable, with the widths and remainders of each.
// test/native/neon.test.ts builds it for ARM and runs it in an emulator. Prints the comparisons that fail, then a
// total.
#include "native/kernels/table.h"
#include "test/native/neon/nearest.h"
#include "test/native/neon/products.h"
#include "test/native/neon/systems.h"
#include "test/native/neon/training.h"
#include "test/native/neon/values.h"

namespace gradsift::check {

template <class From, class To>
using PackKernel = void (*)(const Pack<From, To>&) noexcept;

template <class From, class To>
void check(PackKernel<From, To> kernel, PackKernel<From, To> oracle) noexcept {
  const auto check = [&](std::size_t lines, std::size_t width, std::size_t depth, std::size_t layout) {
    // 0: lines side by side; 1: depth along memory; 2: neither.
    const std::size_t line_stride = layout == 0 ? 1 : layout == 1 ? depth + 1 : 3;
    const std::size_t depth_stride = layout == 0 ? width + 1 : layout == 1 ? 1 : 3 * width + 1;
    const bool empty = lines == 0 || depth == 0;
    const Values<From> source = random<From>(1, empty ? 0 : (lines - 1) * line_stride + (depth - 1) * depth_stride + 1);
    const auto run = [&](PackKernel<From, To> pack) {
      Values<To> panel = filled(depth * width, To{7});
      pack({lines, width, depth, source.data(), line_stride, depth_stride, panel.data()});
      return panel;
    };
    expect(same_bits(run(kernel), run(oracle)), "pack", lines, width, depth);
  };
  for (const std::size_t width : {1, 2, 4, 6, 8, 12, 18, 24}) {
    for (std::size_t lines = 0; lines <= width; ++lines) {
      for (const std::size_t depth : {0, 1, 2, 3, 4, 7, 17}) {
        for (std::size_t layout = 0; layout < 3; ++layout) check(lines, width, depth, layout);
      }
    }
  }
}

Values<std::uint16_t> all_halves() noexcept {
  Values<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
  return bits;
}

void check(void (*kernel)(const PackPairs&) noexcept, void (*oracle)(const PackPairs&) noexcept) noexcept {
  const Values<std::uint16_t> halves = all_halves();
  for (std::size_t width = 1; width < 20; ++width) {
    for (std::size_t lines = 0; lines <= width; ++lines) {
      for (std::size_t rows = 1; rows < 8; ++rows) {
        const std::size_t stride = width + 3;
        const std::size_t used = (rows - 1) * stride + lines, depth = (rows + 1) / 2;
        const auto run = [&](void (*pack)(const PackPairs&) noexcept) {
          Values<float> panel = filled(depth * width, 7.0f);
          const std::uint16_t* source = halves.data() + halves.size() - used;
          pack({lines, width, depth, source, stride, rows % 2 != 0, panel.data()});
          return panel;
        };
        expect(same_bits(run(kernel), run(oracle)), "pairs", lines, width, rows);
      }
    }
  }
}

using WidenKernel = void (*)(const std::uint16_t*, std::size_t, float*) noexcept;

void check(WidenKernel kernel, WidenKernel oracle) noexcept {
  const Values<std::uint16_t> halves = all_halves();
  for (const std::size_t count : {0, 1, 2, 3, 4, 5, 6, 7, 13, 65536}) {
    Values<float> actual(count), expected(count);
    kernel(halves.data() + halves.size() - count, count, actual.data());
    oracle(halves.data() + halves.size() - count, count, expected.data());
    bool same = true;
    for (std::size_t i = 0; i < count; ++i) {  // a NaN stays a NaN, of any bits
      const bool nan = std::isnan(actual[i]) && std::isnan(expected[i]);
      same = same && (nan || std::bit_cast<std::uint32_t>(actual[i]) == std::bit_cast<std::uint32_t>(expected[i]));
    }
    expect(same, "widen", count);
  }
}

template <class T>
void check(double (*kernel)(std::size_t, T*) noexcept, double (*)(std::size_t, T*) noexcept) noexcept {
  T sink = 0;
  expect(kernel(10, &sink) > 0 && std::isfinite(sink), "fma peak");
}

// A new entry of the table needs no line here, a new kind of kernel its check().
void check_all(const KernelTable& table) noexcept {
  const auto check_entry = [&table](auto member) {
    if (table.*member == nullptr) return;  // inherited
    if constexpr (std::is_same_v<decltype(member), decltype(&KernelTable::tile_bf16)>) {
      if (member == &KernelTable::tile_bf16) return check_tile<float, true>(*(table.*member), *(kPortable.*member));
    }
    if constexpr (std::is_same_v<decltype(member), decltype(&KernelTable::ordered_dots)>) {
      check_ordered_dots(table.ordered_dots, *table.tile_f32);
    } else {
      check(table.*member, kPortable.*member);
    }
  };
  std::apply([&](auto... members) { (check_entry(members), ...); }, kEntries);
}

}  // namespace gradsift::check

int main() {
  for (const gradsift::KernelTable* table : gradsift::all_kernels()) {
    if (table == &gradsift::kPortable || !table->supported()) continue;
    const gradsift::check::Outcome before = gradsift::check::outcome;
    gradsift::check::check_all(*table);
    const gradsift::check::Outcome after = gradsift::check::outcome;
    std::printf("%s: %d comparisons, %d failed\n", table->name, after.compared - before.compared,
                after.failed - before.failed);
  }
  return gradsift::check::outcome.failed == 0 ? 0 : 1;
}
