#pragma once
// Single passes over dense matrices and vectors. Sums run in eight lanes, merged in a constant order: fast without
// -ffast-math, and the same bits every time.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// Runs body(i) for each row. A tile holds about this many elements: long enough to pay for its dispatch, far below the
// 50 ms that a tile may take.
inline constexpr std::size_t kRowTileElements = 1 << 15;

template <class Body>
Status for_each_row(const Execution& execution, std::size_t rows, std::size_t columns, const Body& body) noexcept {
  const std::size_t height = std::max<std::size_t>(1, kRowTileElements / std::max<std::size_t>(1, columns));
  const bool done = execution.parallel((rows + height - 1) / height, [&](std::size_t tile) {
    const std::size_t end = std::min(rows, (tile + 1) * height);
    for (std::size_t i = tile * height; i < end; ++i) body(i);
  });
  return done ? Status::ok : Status::cancelled;
}

// Runs body(first, count) for each part of [0, elements), of about as many.
template <class Body>
Status for_each_part(const Execution& execution, std::size_t elements, const Body& body) noexcept {
  const bool done = execution.parallel((elements + kRowTileElements - 1) / kRowTileElements, [&](std::size_t tile) {
    const std::size_t first = tile * kRowTileElements;
    body(first, std::min(kRowTileElements, elements - first));
  });
  return done ? Status::ok : Status::cancelled;
}

inline constexpr std::size_t kLanes = 8;

inline double merge_lanes(const double (&lane)[kLanes]) noexcept {
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

// Sum of term(j) for j in [0, count).
template <class Term>
double lane_sum(std::size_t count, const Term& term) noexcept {
  double lane[kLanes] = {};
  std::size_t j = 0;
  for (; j + kLanes <= count; j += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) lane[l] += term(j + l);
  }
  for (std::size_t l = 0; j < count; ++j, ++l) lane[l] += term(j);
  return merge_lanes(lane);
}

template <class T, class U>
double dot(std::size_t count, const T* x, const U* y) noexcept {
  return lane_sum(count, [=](std::size_t j) { return static_cast<double>(x[j]) * static_cast<double>(y[j]); });
}

// ||x||_2 without overflow or underflow of the squares. NaN or infinity when x holds one.
template <class T>
double norm(std::size_t count, const T* x) noexcept {
  const double plain = std::sqrt(dot(count, x, x));
  if (plain > 1e-140 && plain < 1e150) return plain;
  double largest = 0;
  for (std::size_t j = 0; j < count; ++j) {
    const double size = std::fabs(static_cast<double>(x[j]));
    if (!std::isfinite(size)) return size;
    largest = std::max(largest, size);
  }
  if (largest == 0) return 0;
  const double inverse = 1 / largest;
  if (!std::isfinite(inverse)) return largest;  // subnormal: any norm of it is noise
  return largest * std::sqrt(lane_sum(count, [=](std::size_t j) {
           const double scaled = static_cast<double>(x[j]) * inverse;
           return scaled * scaled;
         }));
}

// out = scale A + shift I, in the precision of out. A, out: n x n, contiguous; they may be the same array.
template <class From, class To>
Status shifted_copy(const Execution& execution, std::size_t n, const From* a, double scale, double shift,
                    To* out) noexcept {
  return for_each_row(execution, n, n, [=](std::size_t i) {
    const From* from = a + i * n;
    To* to = out + i * n;
    const double diagonal = scale * static_cast<double>(from[i]) + shift;
    for (std::size_t j = 0; j < n; ++j) to[j] = static_cast<To>(scale * static_cast<double>(from[j]));
    to[i] = static_cast<To>(diagonal);
  });
}

// out = scale * x, element by element, in the precision of out.
template <class From, class To>
void convert(std::size_t count, const From* x, double scale, To* out) noexcept {
  for (std::size_t j = 0; j < count; ++j) out[j] = static_cast<To>(scale * static_cast<double>(x[j]));
}

}  // namespace gradsift
