// k-means of one node: k-means++ (Arthur and Vassilvitskii 2007), then expectation and maximisation, balanced.
import { rowDotsAsync } from '../linalg/rows.js';
import type { Random } from '../random.js';
import { nearestCentroid, type Centroids, type NearestOptions } from './nearest-centroid.js';

export interface KMeansOptions extends NearestOptions {
  readonly clusters: number;
  readonly iterations: number;
  /** Rows of each step, fresh from a shuffle; null: all rows. */
  readonly batch: number | null;
  /** A cluster with more than this times its even share is split with the smallest; null: never. */
  readonly balance: number | null;
  /** Whether centroids are brought to length 1. */
  readonly spherical: boolean;
  readonly onIteration?: ((iteration: number, meanSquare: number) => void) | undefined;
}

/** Rows that k-means++ looks at: enough that each cluster is seen, few enough for one pass a centroid. */
const INIT_ROWS_PER_CLUSTER = 32;

/**
 * Centroids of the rows x, [count][dimensions]; fewer than asked where there are fewer different rows.
 * A cluster that a step leaves empty stays where it was.
 */
export async function kMeans(
  x: Float32Array,
  count: number,
  dimensions: number,
  cursor: Random,
  options: KMeansOptions,
): Promise<Centroids> {
  const { clusters, iterations, batch, balance, spherical, onIteration } = options;
  const stream = shuffledRows(count, cursor);
  const take = (rows: number) => gather(x, dimensions, Uint32Array.from({ length: rows }, stream));
  const initial = Math.min(count, INIT_ROWS_PER_CLUSTER * clusters);
  const centroids = await plusPlus(take(initial), initial, dimensions, clusters, cursor, options);
  const size = batch === null ? count : Math.min(batch, count);
  let before: Uint32Array | undefined;
  for (let iteration = 0; iteration < iterations; ++iteration) {
    const rows = size === count ? x : take(size);
    const { labels, scores } = await nearestCentroid(rows, size, dimensions, centroids, options);
    onIteration?.(iteration, meanSquare(rows, scores));
    const moved = balance !== null && rebalance(labels, centroids.count, balance, cursor);
    moveToMeans(rows, dimensions, labels, centroids, spherical);
    const settled = size === count && !moved && before?.every((label, i) => label === labels[i]) === true;
    if (settled) break;
    before = labels;
  }
  return centroids;
}

/** Row numbers without end: one shuffle of all of them after the other. */
function shuffledRows(count: number, cursor: Random): () => number {
  const order = Uint32Array.from({ length: count }, (_, row) => row);
  let left = 0;
  return () => {
    if (left === 0) left = count;
    const other = cursor.below(left);
    left -= 1;
    const row = order[other] as number;
    order[other] = order[left] as number;
    order[left] = row;
    return row;
  };
}

/** Rows by number, side by side. */
export function gather(x: Float32Array, dimensions: number, rows: Uint32Array): Float32Array {
  const out = new Float32Array(rows.length * dimensions);
  rows.forEach((row, i) => out.set(x.subarray(row * dimensions, (row + 1) * dimensions), i * dimensions));
  return out;
}

/** Each next centroid is a row, drawn by its squared distance to the nearest so far. */
async function plusPlus(
  x: Float32Array,
  count: number,
  dimensions: number,
  clusters: number,
  cursor: Random,
  { threads, signal }: NearestOptions,
): Promise<Centroids> {
  const rows = new Float32Array(clusters * dimensions);
  const squares = new Float64Array(count);
  const distances = new Float64Array(count).fill(Infinity);
  let next = cursor.below(count);
  for (let c = 0; c < clusters; ++c) {
    const chosen = x.subarray(next * dimensions, (next + 1) * dimensions);
    rows.set(chosen, c * dimensions);
    const call = { count, length: dimensions, norms: squares, threads, signal };
    const dots = await rowDotsAsync(x, new Float64Array(chosen), call);
    const own = squares[next] as number;
    let sum = 0;
    for (let i = 0; i < count; ++i) {
      const norm = squares[i] as number;
      const square = norm + own - 2 * (dots[i] as number);
      // Rounding of products in float64: a copy of the centroid is at no distance from it.
      const distance = square > dimensions * 2 ** -50 * (norm + own) ? square : 0;
      distances[i] = Math.min(distances[i] as number, distance);
      sum += distances[i] as number;
    }
    if (sum === 0) return { rows: rows.slice(0, (c + 1) * dimensions), count: c + 1 };
    next = drawByWeight(distances, sum, cursor);
  }
  return { rows, count: clusters };
}

function drawByWeight(weights: Float64Array, sum: number, cursor: Random): number {
  let left = cursor.uniform() * sum;
  let last = 0;
  for (let i = 0; i < weights.length; ++i) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    last = i;
    left -= weight;
    if (left < 0) break;
  }
  return last;
}

/**
 * Splits the largest cluster evenly at random with the smallest while it is over its share. Returns whether it did.
 * Every split ends with one cluster fewer over the share, or a larger smallest one: a bound on them is enough.
 */
export function rebalance(labels: Uint32Array, clusters: number, balance: number, cursor: Random): boolean {
  const most = (balance * labels.length) / clusters;
  const sizes = new Uint32Array(clusters);
  for (const label of labels) sizes[label]! += 1;
  let moved = false;
  for (let split = 0; split < 2 * clusters; ++split) {
    const largest = sizes.reduce((best, size, c) => (size > (sizes[best] as number) ? c : best), 0);
    const smallest = sizes.reduce((best, size, c) => (size < (sizes[best] as number) ? c : best), 0);
    const size = sizes[largest] as number;
    if (!(size > most) || largest === smallest) return moved;
    moved = true;
    // Selection of exactly half of its rows, each with the same chance.
    let [wanted, left] = [Math.floor(size / 2), size];
    sizes[largest] = size - wanted;
    sizes[smallest]! += wanted;
    for (let i = 0; wanted > 0; ++i) {
      if (labels[i] !== largest) continue;
      if (cursor.below(left--) >= wanted) continue;
      labels[i] = smallest;
      wanted -= 1;
    }
  }
  return moved;
}

/** Means of the rows of each cluster, summed in float64 in order of rows. */
function moveToMeans(
  x: Float32Array,
  dimensions: number,
  labels: Uint32Array,
  { rows, count }: Centroids,
  spherical: boolean,
): void {
  const sums = new Float64Array(rows.length);
  const sizes = new Uint32Array(count);
  labels.forEach((label, i) => {
    sizes[label]! += 1;
    const [from, to] = [i * dimensions, label * dimensions];
    for (let j = 0; j < dimensions; ++j) sums[to + j]! += x[from + j] as number;
  });
  for (let c = 0; c < count; ++c) {
    if (sizes[c] === 0) continue;
    const sum = sums.subarray(c * dimensions, (c + 1) * dimensions);
    const length = Math.sqrt(sum.reduce((square, value) => square + value * value, 0));
    // Opposite rows may cancel: such a mean has no direction, and stays a mean.
    const scale = spherical && length > 0 ? 1 / length : 1 / (sizes[c] as number);
    rows.set(
      sum.map((value) => value * scale),
      c * dimensions,
    );
  }
}

/** Mean squared distance to the nearest centroid. */
function meanSquare(x: Float32Array, scores: Float64Array): number {
  let sum = 0;
  for (const value of x) sum += value * value;
  for (const score of scores) sum -= 2 * score;
  return sum / scores.length;
}
