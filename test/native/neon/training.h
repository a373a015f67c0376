#pragma once
// The passes of a training step against portable, which computes sums and elementary functions in float64: `near`
// counts what float32 may lose, in units of u = 2^-24 of the size that the comment names.

#include "native/kernels/training.h"
#include "test/native/neon/values.h"

namespace gradsift::check {

constexpr double kU = kUnitRoundoff<float>;
// Widths with every remainder of a register, and of the four registers that a sum keeps in flight.
constexpr std::size_t kColumns[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 63, 65, 130};
// In ulps: of exp_negative and of normal_tail's polynomial (elementary.h).
constexpr double kExponential = 4, kTail = 4;

// Runs both kernels, each on output of its own.
template <class Run>
bool agree(std::size_t count, const Run& run, double (*size)(double), double units) noexcept {
  const Values<float> actual = filled(count, 7.0f), expected = filled(count, 7.0f);
  run(true, actual.data());
  run(false, expected.data());
  Values<float> sizes(count);
  for (std::size_t i = 0; i < count; ++i) sizes[i] = static_cast<float>(size(static_cast<double>(expected[i])));
  return near(actual, expected, sizes, units * kU);
}

inline void check_zip(const TrainingKernels& kernel, const TrainingKernels& oracle) noexcept {
  for (const std::size_t n : kColumns) {
    const Values<float> x = random<float>(1, n), y = random<float>(2, n);
    for (const auto operation :
         {ZipOperation::add, ZipOperation::subtract, ZipOperation::multiply, ZipOperation::divide}) {
      for (const bool repeats : {false, true}) {
        const Values<float> one = filled(1, 0.75f), actual(n), expected(n);
        const Zip zip{operation, n, x.data(), false, repeats ? one.data() : y.data(), repeats, actual.data()};
        Zip same = zip;
        same.out = expected.data();
        kernel.zip(zip);
        oracle.zip(same);
        expect(same_bits(actual, expected), "zip", n, static_cast<std::size_t>(operation), repeats);
      }
    }
  }
}

// Errors as shares of the result, which for a softmax are those of the exponentials and of their sum: n additions of
// positive numbers. The exponent scale (x - m) is rounded alike on both sides.
inline void check_softmax(const TrainingKernels& kernel, const TrainingKernels& oracle) noexcept {
  for (const std::size_t n : kColumns) {
    const Values<float> x = random<float>(3, n), y = random<float>(4, n, true), dy = random<float>(5, n);
    const auto share = [](double result) { return std::fabs(result); };
    const auto unit = [](double) { return 1.0; };
    const double count = static_cast<double>(n), units = 2 * kExponential + count + 3;
    const auto softmax = [&](bool ours, float* out) { (ours ? kernel : oracle).softmax({n, n + 2, 3, x.data(), out}); };
    expect(agree(n + 2, softmax, share, units), "softmax", n);
    // |y| and |dy| are at most 1: the dot product has size n, its rounding n of that; scale 3.
    const auto gradient = [&](bool ours, float* out) {
      (ours ? kernel : oracle).softmax_gradient({n, n + 2, 3, y.data(), dy.data(), out});
    };
    expect(agree(n + 2, gradient, unit, 3 * (count * count + count + 4)), "softmax gradient", n);
    for (const std::size_t label : {std::size_t{0}, n - 1}) {
      Values<float> loss(2);
      const auto entropy = [&](bool ours, float* out) {
        loss[ours ? 1 : 0] = (ours ? kernel : oracle).cross_entropy({n, label, x.data(), 0.5f, out});
      };
      expect(agree(n, entropy, unit, units), "cross entropy gradient", n, label);
      // The logarithm's own error beside that of the sum; its size is at most log(n) + 2.
      const double allowed = (units + 4 + std::log(count) + 2) * kU;
      expect(std::fabs(static_cast<double>(loss[0]) - static_cast<double>(loss[1])) <= allowed, "cross entropy", n);
    }
  }
}

// With x in [-1, 1), gains and gradients alike, the normalised values are at most sqrt(n) in size; sums of n terms lose
// n units of their size. epsilon = 0.25 keeps 1 / sqrt(variance + epsilon) at most 2 and well conditioned.
inline void check_norm(const TrainingKernels& kernel, const TrainingKernels& oracle) noexcept {
  for (const std::size_t n : kColumns) {
    const double count = static_cast<double>(n), units = 16 * (count + 8);
    const auto unit = [](double) { return 1.0; };
    const Values<float> x = random<float>(6, n), gain = random<float>(7, n), bias = random<float>(8, n);
    const Values<float> dy = random<float>(9, n);
    for (const bool centred : {false, true}) {
      for (const bool biased : {false, true}) {
        const auto norm = [&](bool ours, float* out) {
          (ours ? kernel : oracle)
              .norm({n, centred, 0.25f, x.data(), gain.data(), biased ? bias.data() : nullptr, out});
        };
        expect(agree(n, norm, unit, units), "norm", n, centred, biased);
        const auto gradient = [&](bool ours, float* out) {  // dx, gain_sum and bias_sum side by side
          (ours ? kernel : oracle)
              .norm_gradient(
                  {n, centred, 0.25f, x.data(), gain.data(), dy.data(), out, out + n, biased ? out + 2 * n : nullptr});
        };
        expect(agree(3 * n, gradient, unit, units), "norm gradient", n, centred, biased);
      }
    }
  }
}

// |x| <= 8, where the normal tail is smallest: errors are shares of x P(x) but for P close to 1, hence the size 1 +
// |y|.
inline void check_gelu(const TrainingKernels& kernel, const TrainingKernels& oracle) noexcept {
  for (const std::size_t n : kColumns) {
    Values<float> x = random<float>(10, n);
    const Values<float> dy = random<float>(11, n);
    for (std::size_t i = 0; i < n; ++i) x[i] *= 8;
    const auto size = [](double y) { return 1 + std::fabs(y); };
    const double units = 8 * (kExponential + kTail + 4);  // |x| times those of P
    const auto gelu = [&](bool ours, float* out) { (ours ? kernel : oracle).gelu(x.data(), n, out); };
    expect(agree(n, gelu, size, units), "gelu", n);
    const auto gradient = [&](bool ours, float* out) {
      (ours ? kernel : oracle).gelu_gradient(x.data(), dy.data(), n, out);
    };
    expect(agree(n, gradient, size, units), "gelu gradient", n);
  }
}

// Moments and parameters are at most 1 in size, and so is a step; ten roundings on the way.
inline void check_adam(const TrainingKernels& kernel, const TrainingKernels& oracle) noexcept {
  for (const std::size_t n : kColumns) {
    const Values<float> g = random<float>(12, n);
    const auto adam = [&](bool ours, float* out) {  // m, v and p side by side
      for (std::size_t i = 0; i < 3 * n; ++i) out[i] = static_cast<float>(random_bits(13, i)) / 65536;
      (ours ? kernel : oracle)
          .adam({n, 0.9f, 0.1f, 0.99f, 0.01f, 2.0f, 3.0f, 0.125f, 0.5f, 0.25f, g.data(), out, out + n, out + 2 * n});
    };
    expect(agree(3 * n, adam, [](double) { return 1.0; }, 10), "adam", n);
  }
}

inline void check(const TrainingKernels* kernel, const TrainingKernels* oracle) noexcept {
  check_zip(*kernel, *oracle);
  check_softmax(*kernel, *oracle);
  check_norm(*kernel, *oracle);
  check_gelu(*kernel, *oracle);
  check_adam(*kernel, *oracle);
}

}  // namespace gradsift::check
