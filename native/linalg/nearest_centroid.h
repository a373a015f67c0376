#pragma once
// The assignment step of k-means: argmin_j ||x - c_j|| = argmax_j <x, c_j> - ||c_j||^2 / 2, by products in float32 that
// never leave the cache. Where the processor multiplies pairs of bfloat16 twice as fast, these decide which centroids
// are worth a product in float32: an error bound makes sure that the nearest is among them, so that labels and scores
// are those of all products in float32, bit for bit.

#include <cstddef>
#include <cstdint>

#include "native/core/execution.h"
#include "native/core/status.h"

namespace gradsift {

// automatic: where it is faster, and only while few centroids are too close to tell apart.
enum class Prefilter { never, always, automatic };

// rows: [count][length], centroids: [clusters][length], clusters > 0. labels and scores: [count].
struct NearestCentroid {
  std::size_t count = 0, length = 0, clusters = 0;
  const float* rows = nullptr;
  const float* centroids = nullptr;
  std::uint32_t* labels = nullptr;
  float* scores = nullptr;
  Prefilter prefilter = Prefilter::automatic;
};

// scores[i] = max_j (<x_i, c_j> - ||c_j||^2 / 2) and labels[i] = the first j that reaches it; products, half squares
// and differences rounded to float32. A row with a NaN has label 0 and the score -infinity.
Status nearest_centroid(const Execution& execution, const NearestCentroid& problem) noexcept;

}  // namespace gradsift
