#pragma once
// Kernels that sum products. Two sums of `terms` products, each rounded anywhere on its way, differ by at most
// 2 terms u / (1 - terms u) times the sum of absolute products (Higham, section 3.1), which portable computes from the
// absolute inputs. kMore counts what surrounds a sum: alpha, beta C, the additions of partial sums, and the quotient.

#include "native/kernels/table.h"
#include "test/native/neon/values.h"

namespace gradsift::check {

inline constexpr std::size_t kMore = 6;

// 16-bit floats in (-1, 1), subnormals and zeros among them.
template <class T>
  requires(std::is_same_v<T, Bfloat16> || std::is_same_v<T, Float16>)
Values<T> random(std::uint64_t seed, std::size_t size, bool absolute = false) noexcept {
  constexpr unsigned one = std::is_same_v<T, Bfloat16> ? 0x3f80 : 0x3c00;
  Values<T> x(size);
  for (std::size_t i = 0; i < size; ++i) {
    const unsigned sign = absolute || random_bits(seed + 1, i) % 4 < 2 ? 0 : 0x8000;
    x[i].bits = static_cast<std::uint16_t>(random_bits(seed, i) % one | sign);
  }
  return x;
}

template <class T>
double sum_bound(std::size_t terms) noexcept {
  return 2 * static_cast<double>(terms + kMore) * kUnitRoundoff<T>;
}

// run(kernel, absolute) gives the result.
template <class T, class Kernel, class Run>
void compare(const Kernel& kernel, const Kernel& oracle, std::size_t terms, const Run& run, const char* what,
             std::size_t a, std::size_t b = 0, std::size_t c = 0) noexcept {
  expect(near(run(kernel, false), run(oracle, false), run(oracle, true), sum_bound<T>(terms)), what, a, b, c);
}

// What beta C starts from: when beta is 0 nobody may read it.
template <class T>
Values<T> before(std::size_t size, T beta, bool absolute) noexcept {
  return beta == 0 ? filled(size, std::numeric_limits<T>::quiet_NaN()) : random<T>(9, size, absolute);
}

// Two bfloat16 in each float, both of them positive where `absolute`.
inline Values<float> random_pairs(std::uint64_t seed, std::size_t size, bool absolute) noexcept {
  Values<float> x(size);
  const auto half = [&](std::size_t i) {
    const float value = static_cast<float>(random_bits(seed, i)) / 32768 - 1;
    return std::bit_cast<std::uint32_t>(absolute ? std::fabs(value) : value) & 0xffff0000u;
  };
  for (std::size_t i = 0; i < size; ++i) x[i] = std::bit_cast<float>(half(2 * i) >> 16 | half(2 * i + 1));
  return x;
}

// Pairs: the tile of bfloat16.
template <class T, bool Pairs = false>
void check_tile(const TileKernel<T>& kernel, const TileKernel<T>& oracle) noexcept {
  const auto inputs = [](std::uint64_t seed, std::size_t size, bool absolute) {
    if constexpr (Pairs) {
      return random_pairs(seed, size, absolute);
    } else {
      return random<T>(seed, size, absolute);
    }
  };
  const auto check = [&](std::size_t rows, std::size_t columns, std::size_t depth, T alpha, T beta) {
    const std::size_t a_stride = kernel.columns, b_stride = columns + 1, c_stride = columns + 3;
    const auto run = [&](const TileKernel<T>& k, bool absolute) {
      const Values<T> a = inputs(1, depth * a_stride + kernel.rows, absolute);
      const Values<T> b = inputs(2, depth == 0 ? 0 : (depth - 1) * b_stride + columns, absolute);
      Values<T> c = before((rows - 1) * c_stride + columns, beta, absolute);
      for (std::size_t i = 0; i < rows; i += k.rows) {
        for (std::size_t j = 0; j < columns; j += k.columns) {
          k.run({rows - i < k.rows ? rows - i : k.rows, columns - j < k.columns ? columns - j : k.columns, depth,
                 a.data() + i, a_stride, b.data() + j, b_stride, a.data(), absolute ? std::fabs(alpha) : alpha,
                 absolute ? std::fabs(beta) : beta, c.data() + i * c_stride + j, c_stride});
        }
      }
      return c;
    };
    compare<T>(kernel, oracle, Pairs ? 2 * depth : depth, run, Pairs ? "tile of pairs" : "tile", rows, columns, depth);
  };
  for (std::size_t rows = 1; rows <= kernel.rows; ++rows) {
    for (std::size_t columns = 1; columns <= kernel.columns; ++columns) {
      for (const std::size_t depth : {0, 5, 37}) {
        check(rows, columns, depth, T{1}, T{0});
        if (!Pairs) check(rows, columns, depth, T{-0.75}, T{0.5});
      }
    }
  }
  expect(kernel.columns % kernel.rows == 0 && kernel.rows * kernel.columns <= kMaxTileElements, "shape of the tile");
}

template <class T>
void check(const TileKernel<T>* kernel, const TileKernel<T>* oracle) noexcept {
  check_tile(*kernel, *oracle);
}

template <class T>
using SmallProductKernel = void (*)(const SmallProduct<T>&) noexcept;

template <class T>
void check(SmallProductKernel<T> kernel, SmallProductKernel<T> oracle) noexcept {
  const auto check = [&](std::size_t m, std::size_t n, std::size_t k, T alpha, T beta) {
    const std::size_t batch = 2, b_stride = n + 1, c_stride = n + 2;
    const auto run = [&](SmallProductKernel<T> product, bool absolute) {
      const Values<T> a = random<T>(1, batch * m * k, absolute), b = random<T>(2, batch * k * b_stride - 1, absolute);
      Values<T> c = before(batch * m * c_stride - 2, beta, absolute);
      // A by columns when beta is 0, else by rows.
      product({batch, m, n, k, absolute ? std::fabs(alpha) : alpha, absolute ? std::fabs(beta) : beta, a.data(),
               beta == 0 ? 1 : k, beta == 0 ? m : 1, m * k, b.data(), b_stride, k * b_stride, c.data(), c_stride,
               m * c_stride});
      return c;
    };
    compare<T>(kernel, oracle, k, run, "small product", m, n, k);
  };
  for (const std::size_t m : {1, 2, 3, 4, 5, 8, 11, 12, 16, 17, 24, 31}) {
    for (const std::size_t n : {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31}) {
      check(m, n, 1 + (m + n) % 7, T{1}, T{0});
      check(m, n, 9, T{-0.75}, T{0.5});
    }
  }
  check(40, 45, 50, T{1}, T{1});  // large enough to be asked for ahead of time
}

inline void check(void (*kernel)(const Merge&) noexcept, void (*oracle)(const Merge&) noexcept) noexcept {
  for (std::size_t columns = 0; columns < 11; ++columns) {
    for (const double beta : {0.0, -0.5}) {
      const std::size_t rows = 3, tile_stride = columns + 1, out_stride = columns + 2;
      const auto run = [&](void (*merge)(const Merge&) noexcept, bool absolute) {
        const Values<float> tile = random<float>(1, rows * tile_stride - 1, absolute);
        Values<double> out = before(rows * out_stride - 2, beta, absolute);
        const double alpha = absolute ? 0.75 : -0.75, factor = absolute ? std::fabs(beta) : beta;
        merge({rows, columns, tile.data(), tile_stride, alpha, factor, out.data(), out_stride});
        return out;
      };
      compare<double>(kernel, oracle, 1, run, "merge", columns);
    }
  }
}

template <class T>
using DotsKernel = void (*)(const Dots<T>&) noexcept;

template <class T>
void check(DotsKernel<T> kernel, DotsKernel<T> oracle) noexcept {
  const auto check = [&](std::size_t rows, std::size_t queries, std::size_t length, double beta) {
    const std::size_t stride = length + 1, out_stride = rows + 1, norms_at = queries * out_stride;
    const auto run = [&](DotsKernel<T> dots, bool absolute) {
      const Values<T> x = random<T>(1, rows * stride - 1, absolute);
      const Values<double> h = random<double>(2, queries == 0 ? 0 : queries * stride - 1, absolute);
      Values<double> out = before(norms_at + rows, beta, absolute);  // the norms are where the last query ends
      for (std::size_t i = 0; beta == 0 && i < rows; ++i) out[norms_at + i] = 1;
      dots({rows, queries, length, x.data(), stride, h.data(), stride, absolute ? 0.75 : -0.75,
            absolute ? std::fabs(beta) : beta, out.data(), out_stride, beta == 0 ? out.data() + norms_at : nullptr});
      return out;
    };
    compare<double>(kernel, oracle, length, run, "dots", rows, queries, length);
  };
  for (const std::size_t rows : {1, 2, 3, 5, 6, 7, 12, 13}) {
    for (std::size_t queries = 0; queries < 10; ++queries) {
      for (const std::size_t length : {0, 1, 2, 3, 31}) {
        check(rows, queries, length, 0);
        check(rows, queries, length, -0.5);
      }
    }
  }
  check(7, 5, 2049, 0);  // several runs of columns
}

template <class T>
using WeightedRowsKernel = void (*)(const WeightedRows<T>&) noexcept;

template <class T>
void check(WeightedRowsKernel<T> kernel, WeightedRowsKernel<T> oracle) noexcept {
  for (std::size_t queries = 1; queries < 8; ++queries) {
    for (std::size_t length = 0; length < 40; ++length) {
      const std::size_t rows = length % 9, stride = length + 1;
      const auto run = [&](WeightedRowsKernel<T> sum, bool absolute) {
        const Values<T> x = random<T>(1, rows == 0 ? 0 : rows * stride - 1, absolute);
        const Values<double> weights = random<double>(2, queries * rows, absolute);
        Values<double> out = random<double>(3, queries * stride - 1, absolute);
        sum({rows, queries, length, x.data(), stride, weights.data(), rows, out.data(), stride});
        return out;
      };
      compare<double>(kernel, oracle, rows, run, "weighted rows", rows, queries, length);
    }
  }
}

using GatheredKernel = void (*)(const GatheredRows&) noexcept;

inline void check(GatheredKernel kernel, GatheredKernel oracle) noexcept {
  for (const std::size_t count : {0, 1, 5, 512, 513, 1100}) {
    for (std::size_t length = 0; length < 210; length += length < 70 ? 1 : 13) {
      const std::size_t stride = length + 1, limit = 11;
      Values<std::uint32_t> indices(count);
      for (std::size_t e = 0; e < count; ++e) indices[e] = static_cast<std::uint32_t>(e * 7 % 12);  // 11 is none
      const auto run = [&](GatheredKernel gathered, bool absolute) {
        const Values<float> rows = random<float>(1, limit * stride, absolute);
        const Values<float> values = random<float>(2, count, absolute);
        Values<float> out = filled(length, 0.0f);
        gathered({count, length, values.data(), indices.data(), limit, rows.data(), stride, out.data()});
        return out;
      };
      compare<float>(kernel, oracle, kGatherRun + 1, run, "gathered rows", count, length);
    }
  }
}

inline void check(void (*kernel)(const LowerRows&) noexcept, void (*oracle)(const LowerRows&) noexcept) noexcept {
  for (std::size_t rows = 0; rows < 20; ++rows) {
    for (std::size_t first = 0; first < 7; ++first) {
      const std::size_t n = first + rows, stride = n + 1;
      const auto run = [&](void (*product)(const LowerRows&) noexcept, bool absolute) {
        const Values<double> a = random<double>(1, rows == 0 ? 0 : rows * stride - 1, absolute);
        const Values<double> x = random<double>(2, n, absolute);
        Values<double> y = random<double>(3, n, absolute);
        product({rows, first, a.data(), stride, x.data(), y.data()});
        return y;
      };
      compare<double>(kernel, oracle, n, run, "lower rows", rows, first);
    }
  }
}

// Sums of squares (T, double) and plain sums (float, float).
template <class T, class Sum>
void check(Sum (*kernel)(const T*, std::size_t) noexcept, Sum (*oracle)(const T*, std::size_t) noexcept) noexcept {
  for (std::size_t count = 0; count < 100; ++count) {
    const auto run = [&](auto* sum, bool absolute) {
      return filled(1, sum(random<T>(1, count, absolute).data(), count));
    };
    compare<Sum>(*kernel, *oracle, count, run, "sum", count);
  }
}

}  // namespace gradsift::check
