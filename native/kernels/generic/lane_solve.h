#pragma once
// Small positive definite systems side by side, one in each lane of V, for every V of an ISA's simd.h; D is its F64.
// Include it inside the region.

#include "native/kernels/table.h"

namespace gradsift::generic {

// Rows x Columns sums stay in registers; what is left of n or of the right-hand sides goes one at a time.

// sum[r][c] = sum_k x[r * x_stride + k] y[c * y_stride + k], k < depth, each element a register of lanes.
template <class V, std::size_t Rows, std::size_t Columns>
[[gnu::always_inline]] inline void lane_dots(const typename V::Value* x, std::size_t x_stride,
                                             const typename V::Value* y, std::size_t y_stride, std::size_t depth,
                                             typename V::Register (&sum)[Rows][Columns]) noexcept {
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Columns; ++c) sum[r][c] = V::zero();
  }
  for (std::size_t k = 0; k < depth; ++k, x += V::kLanes, y += V::kLanes) {
    typename V::Register column[Columns];
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Columns; ++c) column[c] = V::load(y + c * y_stride);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const auto row = V::load(x + r * x_stride);
#pragma GCC unroll 4
      for (std::size_t c = 0; c < Columns; ++c) sum[r][c] = V::fma(row, column[c], sum[r][c]);
    }
  }
}

// Elements (i + r, j + c) of L, left of the diagonal.
template <class V, std::size_t Rows, std::size_t Columns>
void lane_factor_left(const LaneFactor<typename V::Value>& p, std::size_t i, std::size_t j) noexcept {
  const std::size_t stride = p.n * V::kLanes;
  const auto* a = p.a + i * stride + j * V::kLanes;
  auto* row = p.lower + i * stride;
  const auto* column = p.lower + j * stride;
  typename V::Register sum[Rows][Columns];
  lane_dots<V, Rows, Columns>(row, stride, column, stride, j, sum);
#pragma GCC unroll 4
  for (std::size_t c = 0; c < Columns; ++c) {
    const auto inverse = V::load(column + c * stride + (j + c) * V::kLanes);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const auto value = V::mul(V::sub(V::load(a + r * stride + c * V::kLanes), sum[r][c]), inverse);
      V::store(row + r * stride + (j + c) * V::kLanes, value);
#pragma GCC unroll 4
      for (std::size_t d = c + 1; d < Columns; ++d) {
        sum[r][d] = V::fma(value, V::load(column + d * stride + (j + c) * V::kLanes), sum[r][d]);
      }
    }
  }
}

// The diagonal block of L at (i, i).
template <class V, std::size_t Rows>
void lane_factor_diagonal(const LaneFactor<typename V::Value>& p, std::size_t i) noexcept {
  using Register = typename V::Register;
  const std::size_t stride = p.n * V::kLanes;
  const auto* a = p.a + i * stride + i * V::kLanes;
  auto* row = p.lower + i * stride;
  Register sum[Rows][Rows];
  lane_dots<V, Rows, Rows>(row, stride, row, stride, i, sum);
  row += i * V::kLanes;
#pragma GCC unroll 4
  for (std::size_t c = 0; c < Rows; ++c) {
    Register value[Rows];
    const Register diagonal = V::add(V::load(a + c * (stride + V::kLanes)), V::all(p.damping));
    const Register pivot = V::sub(diagonal, sum[c][c]);
    V::store(p.pivots + (i + c) * V::kLanes, pivot);
    const Register inverse = V::div(V::all(1), V::sqrt(pivot));
    V::store(row + c * (stride + V::kLanes), inverse);
#pragma GCC unroll 4
    for (std::size_t r = c + 1; r < Rows; ++r) {
      value[r] = V::mul(V::sub(V::load(a + r * stride + c * V::kLanes), sum[r][c]), inverse);
      V::store(row + r * stride + c * V::kLanes, value[r]);
    }
#pragma GCC unroll 4
    for (std::size_t d = c + 1; d < Rows; ++d) {
#pragma GCC unroll 4
      for (std::size_t r = d; r < Rows; ++r) sum[r][d] = V::fma(value[r], value[d], sum[r][d]);
    }
  }
}

// Block: rows and columns at a time; what is left of n goes one by one.
template <class V, std::size_t Block>
void lane_factor(const LaneFactor<typename V::Value>& p) noexcept {
  const std::size_t whole = p.n / Block * Block;
  for (std::size_t i = 0; i < whole; i += Block) {
    for (std::size_t j = 0; j < i; j += Block) lane_factor_left<V, Block, Block>(p, i, j);
    lane_factor_diagonal<V, Block>(p, i);
  }
  for (std::size_t i = whole; i < p.n; ++i) {
    for (std::size_t j = 0; j < whole; j += Block) lane_factor_left<V, 1, Block>(p, i, j);
    for (std::size_t j = whole; j < i; ++j) lane_factor_left<V, 1, 1>(p, i, j);
    lane_factor_diagonal<V, 1>(p, i);
  }
}

// Elements [i, i + Rows) of Columns right-hand sides at x, by L (forward), which needs the elements before.
template <class V, std::size_t Rows, std::size_t Columns>
void lane_forward(const LaneSolve<typename V::Value>& p, std::size_t i, typename V::Value* x) noexcept {
  const std::size_t stride = p.n * V::kLanes;
  const auto* row = p.lower + i * stride;
  typename V::Register sum[Rows][Columns];
  lane_dots<V, Rows, Columns>(row + p.first * V::kLanes, stride, x + p.first * V::kLanes, stride, i - p.first, sum);
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Rows; ++r) {
    const auto inverse = V::load(row + r * stride + (i + r) * V::kLanes);
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Columns; ++c) {
      auto* place = x + c * stride + (i + r) * V::kLanes;
      const auto value = V::mul(V::sub(V::load(place), sum[r][c]), inverse);
      V::store(place, value);
#pragma GCC unroll 4
      for (std::size_t d = r + 1; d < Rows; ++d) {
        sum[d][c] = V::fma(value, V::load(row + d * stride + (i + r) * V::kLanes), sum[d][c]);
      }
    }
  }
}

// The same by L', which needs the elements after.
template <class V, std::size_t Rows, std::size_t Columns>
void lane_backward(const LaneSolve<typename V::Value>& p, std::size_t i, typename V::Value* x) noexcept {
  using Register = typename V::Register;
  const std::size_t stride = p.n * V::kLanes;
  const auto* column = p.lower + i * V::kLanes;  // element (k, i + r) of L at column + k * stride + r * kLanes
  Register sum[Rows][Columns];
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Columns; ++c) sum[r][c] = V::zero();
  }
  for (std::size_t k = i + Rows; k < p.n; ++k) {
    Register below[Columns];
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Columns; ++c) below[c] = V::load(x + c * stride + k * V::kLanes);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const Register entry = V::load(column + k * stride + r * V::kLanes);
#pragma GCC unroll 4
      for (std::size_t c = 0; c < Columns; ++c) sum[r][c] = V::fma(entry, below[c], sum[r][c]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t back = 0; back < Rows; ++back) {
    const std::size_t r = Rows - 1 - back;
    const Register inverse = V::load(column + (i + r) * stride + r * V::kLanes);
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Columns; ++c) {
      auto* place = x + c * stride + (i + r) * V::kLanes;
      const Register value = V::mul(V::sub(V::load(place), sum[r][c]), inverse);
      V::store(place, value);
#pragma GCC unroll 4
      for (std::size_t d = 0; d < r; ++d) {
        sum[d][c] = V::fma(value, V::load(column + (i + r) * stride + d * V::kLanes), sum[d][c]);
      }
    }
  }
}

template <class V, std::size_t Block, std::size_t Columns>
void lane_solve_columns(const LaneSolve<typename V::Value>& p, typename V::Value* x) noexcept {
  const std::size_t whole = p.n / Block * Block;
  std::size_t i = p.first;
  for (; i < whole; i += Block) lane_forward<V, Block, Columns>(p, i, x);
  for (; i < p.n; ++i) lane_forward<V, 1, Columns>(p, i, x);
  for (; i > whole && i > p.first; --i) lane_backward<V, 1, Columns>(p, i - 1, x);
  for (; i > p.first; i -= Block) lane_backward<V, Block, Columns>(p, i - Block, x);
}

template <class V, std::size_t Block>
void lane_solve(const LaneSolve<typename V::Value>& p) noexcept {
  const std::size_t stride = p.n * V::kLanes;
  std::size_t j = 0;
  for (; j + Block <= p.rhs; j += Block) lane_solve_columns<V, Block, Block>(p, p.x + j * stride);
  for (; j < p.rhs; ++j) lane_solve_columns<V, Block, 1>(p, p.x + j * stride);
}

// Elements (j + c, i + r) of V - (A + damping I) H for the lanes from `lane` on that one register of D holds.
template <class V, class D, std::size_t Rows, std::size_t Columns>
[[gnu::always_inline]] inline void lane_remainder_block(const LaneRemainder<typename V::Value>& p, std::size_t lane,
                                                        std::size_t i, std::size_t j,
                                                        typename D::Register& squares) noexcept {
  using Register = typename D::Register;
  const std::size_t stride = p.n * V::kLanes;
  const auto* a = p.a + i * stride + lane;
  const auto* h = p.h + j * stride + lane;
  Register sum[Rows][Columns];
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Columns; ++c) sum[r][c] = D::zero();
  }
  for (std::size_t k = 0; k < stride; k += V::kLanes) {
    Register column[Columns];
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Columns; ++c) column[c] = D::load(h + c * stride + k);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const Register row = D::load(a + r * stride + k);
#pragma GCC unroll 4
      for (std::size_t c = 0; c < Columns; ++c) sum[r][c] = D::fma(row, column[c], sum[r][c]);
    }
  }
  const Register damping = D::all(p.damping);
#pragma GCC unroll 4
  for (std::size_t c = 0; c < Columns; ++c) {
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const std::size_t at = (j + c) * stride + (i + r) * V::kLanes + lane;
      const Register given = p.v != nullptr ? D::load(p.v + at) : D::all(i + r == j + c ? 1 : 0);
      const Register shifted = D::sub(given, D::mul(damping, D::load(p.h + at)));
      const Register left = D::sub(shifted, sum[r][c]);
      squares = D::fma(left, left, squares);
      if (p.remainder != nullptr) D::store(p.remainder + at, left);
    }
  }
}

template <class V, class D, std::size_t Block, std::size_t Columns>
void lane_remainder_columns(const LaneRemainder<typename V::Value>& p, std::size_t lane, std::size_t j,
                            typename D::Register& squares) noexcept {
  std::size_t i = 0;
  for (; i + Block <= p.n; i += Block) lane_remainder_block<V, D, Block, Columns>(p, lane, i, j, squares);
  for (; i < p.n; ++i) lane_remainder_block<V, D, 1, Columns>(p, lane, i, j, squares);
}

template <class V, class D, std::size_t Block>
void lane_remainder(const LaneRemainder<typename V::Value>& p) noexcept {
  for (std::size_t lane = 0; lane < V::kLanes; lane += D::kLanes) {
    auto squares = D::zero();
    std::size_t j = 0;
    for (; j + Block <= p.rhs; j += Block) lane_remainder_columns<V, D, Block, Block>(p, lane, j, squares);
    for (; j < p.rhs; ++j) lane_remainder_columns<V, D, Block, 1>(p, lane, j, squares);
    D::store(p.squares + lane, squares);
  }
}

template <class V, class D>
void lane_squares(const typename V::Value* x, std::size_t count, double* squares) noexcept {
  constexpr std::size_t registers = V::kLanes / D::kLanes;
  constexpr std::size_t steps = 4;  // sums in flight: one alone would wait for its own latency
  typename D::Register sum[registers][steps];
#pragma GCC unroll 2
  for (std::size_t v = 0; v < registers; ++v) {
#pragma GCC unroll 4
    for (std::size_t step = 0; step < steps; ++step) sum[v][step] = D::zero();
  }
  const auto add = [&](std::size_t step) {
#pragma GCC unroll 2
    for (std::size_t v = 0; v < registers; ++v) {
      const auto value = D::load(x + step * V::kLanes + v * D::kLanes);
      sum[v][step] = D::fma(value, value, sum[v][step]);
    }
  };
  for (; count >= steps; count -= steps, x += steps * V::kLanes) {
#pragma GCC unroll 4
    for (std::size_t step = 0; step < steps; ++step) add(step);
  }
  for (; count > 0; --count, x += V::kLanes) add(0);
#pragma GCC unroll 2
  for (std::size_t v = 0; v < registers; ++v) {
    D::store(squares + v * D::kLanes, D::add(D::add(sum[v][0], sum[v][1]), D::add(sum[v][2], sum[v][3])));
  }
}

template <class V, class D, std::size_t Block>
inline constexpr LaneKernel<typename V::Value> kLaneKernel = {V::kLanes, lane_factor<V, Block>, lane_solve<V, Block>,
                                                              lane_remainder<V, D, Block>, lane_squares<V, D>};

}  // namespace gradsift::generic
