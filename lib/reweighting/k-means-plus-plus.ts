// k-means++ (Arthur and Vassilvitskii 2007): each next centroid is a row, drawn by its squared distance to the nearest
// so far. Several rows are drawn at a time by the distances before any of them, and each is kept with the probability
// now / before, its squared distance with and without those kept since: rejection sampling, the same law as one by one.
// A pass over the rows then serves all that were kept.
import { rowDotsAsync } from '../linalg/rows.js';
import type { AsyncCallOptions } from '../native/calls.js';
import type { Random } from '../random.js';
import type { Centroids } from './k-means.js';

/** Most rows drawn at a time: their products with all rows, in float64, are that many times a column of x. */
const MOST_DRAWN = 64;

/** Centroids drawn from the rows x, [count][dimensions]; fewer than `clusters` where there are fewer different rows. */
export async function plusPlus(
  x: Float32Array,
  count: number,
  dimensions: number,
  clusters: number,
  cursor: Random,
  options: AsyncCallOptions,
): Promise<Centroids> {
  const rows = new Float32Array(clusters * dimensions);
  const row = (i: number) => x.subarray(i * dimensions, (i + 1) * dimensions);
  const distances = new Float64Array(count).fill(Infinity);
  let kept = [cursor.below(count)];
  for (let found = 0; ;) {
    for (const [i, chosen] of kept.entries()) rows.set(row(chosen), (found + i) * dimensions);
    await shrink(distances, x, dimensions, kept, options);
    found += kept.length;
    const draw = found < clusters ? drawer(distances, cursor) : undefined;
    if (draw === undefined) return { rows: rows.slice(0, found * dimensions), count: found };
    kept = [];
    // No more than there are: the first rows shrink the distances of most others.
    for (let left = Math.min(found, MOST_DRAWN, clusters - found); left > 0; --left) {
      const candidate = draw();
      const before = distances[candidate] as number;
      const now = kept.reduce((least, other) => Math.min(least, squaredDistance(row(candidate), row(other))), before);
      if (cursor.uniform() * before < now) kept.push(candidate);
    }
  }
}

/** Squared distances to the nearest centroid, after the rows `chosen` have become centroids too. */
async function shrink(
  distances: Float64Array,
  x: Float32Array,
  dimensions: number,
  chosen: readonly number[],
  { threads, signal }: AsyncCallOptions,
): Promise<void> {
  const count = distances.length;
  const h = new Float64Array(chosen.length * dimensions);
  chosen.forEach((i, q) => h.set(x.subarray(i * dimensions, (i + 1) * dimensions), q * dimensions));
  const norms = new Float64Array(count);
  const shape = { count, length: dimensions, queries: chosen.length, norms, threads, signal };
  const dots = await rowDotsAsync(x, h, shape);
  chosen.forEach((row, q) => {
    const own = norms[row] as number;
    for (let i = 0, at = q * count; i < count; ++i, ++at) {
      const norm = norms[i] as number;
      const square = norm + own - 2 * (dots[at] as number);
      // Rounding of products in float64: a copy of the centroid is at no distance from it.
      const distance = square > dimensions * 2 ** -50 * (norm + own) ? square : 0;
      if (distance < (distances[i] as number)) distances[i] = distance;
    }
  });
}

/** Draws rows by weight; undefined when all weights are 0. */
function drawer(weights: Float64Array, cursor: Random): (() => number) | undefined {
  const sums = new Float64Array(weights.length);
  let sum = 0;
  weights.forEach((weight, i) => (sums[i] = sum += weight));
  if (!(sum > 0)) return undefined;
  return () => {
    const wanted = cursor.uniform() * sum;
    // The first row whose sum is above; a row of weight 0 has the sum of the one before.
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; ++i) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return sum;
}
