#include "native/linalg/nearest_centroid.h"

#include "native/binding/operations.h"

namespace gradsift::binding {

// 0 rows, 1 centroids, 2 labels, 3 scores, 4 count, 5 length, 6 clusters, 7 prefilter (0 never, 1 always, 2 where it is
// faster)
std::unique_ptr<Operation> prepare_nearest_centroid(const Arguments& args) {
  NearestCentroid problem;
  problem.count = args.size(4);
  problem.length = args.size(5);
  problem.clusters = args.size(6);
  problem.rows = args.array<float>(0, args.product({problem.count, problem.length})).data;
  problem.centroids = args.array<float>(1, args.product({problem.clusters, problem.length})).data;
  problem.labels = args.array<std::uint32_t>(2, problem.count).data;
  problem.scores = args.array<float>(3, problem.count).data;
  const std::size_t prefilter = args.size(7);
  problem.prefilter = prefilter == 0 ? Prefilter::never : prefilter == 1 ? Prefilter::always : Prefilter::automatic;
  return operation([=](const Execution& execution) noexcept { return nearest_centroid(execution, problem); });
}

}  // namespace gradsift::binding
