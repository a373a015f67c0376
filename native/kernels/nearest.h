#pragma once
// The kernels of nearest centroids (native/linalg/nearest_centroid.h), part of native/kernels/table.h.

#include <cstddef>
#include <cstdint>

namespace gradsift {

struct BestScore {
  float score;
  std::uint32_t label;
};

// The first of the greatest products[j] - halves[j] (in float32), j < count, replaces `best` with the label first + j
// if it is above best.score. NaN is above nothing. count <= 2^24: some count columns in float32.
struct BestOf {
  std::size_t count;
  const float* products;
  const float* halves;
  std::size_t first;
};

// out[i] = <a[i], b[i]> over `length` elements with the bits of tile_f32, alpha = 1 and beta = 0: one multiply-add
// after the other.
struct OrderedDots {
  std::size_t count, length;
  const float* const* a;
  const float* const* b;
  float* out;
};

// Sums of squares, in float32 and any order: of the values, and of what rounding to bfloat16 took from them. Not finite
// when a value is not.
struct Narrowed {
  float squares, lost;
};

// Scores known up to scale * slack[j]: products[j] - below[j] - scale * slack[j] is a lower bound of score j, and
// products[j] - above[j] + scale * slack[j] an upper one.
struct ScoreBounds {
  std::size_t count;
  const float* products;
  const float* below;
  const float* above;
  const float* slack;
  float scale;
};

}  // namespace gradsift
