// k-means of one node: k-means++ (Arthur and Vassilvitskii 2007), then expectation and maximisation, balanced.
import { nearestCentroidAsync, type Nearest } from '../linalg/nearest-centroid.js';
import { addRowsByLabelAsync } from '../linalg/rows-by-label.js';
import { rowNormsAsync } from '../linalg/rows.js';
import type { AsyncCallOptions } from '../native/calls.js';
import type { Random } from '../random.js';
import { plusPlus } from './k-means-plus-plus.js';

/** Centroids of one node: [count][dimensions]. */
export interface Centroids {
  readonly rows: Float32Array;
  readonly count: number;
}

export interface KMeansOptions extends AsyncCallOptions {
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

/** Rows that k-means++ looks at: enough that each cluster is seen, few beside those of one step. */
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
  const { clusters, iterations, batch, balance, onIteration } = options;
  const stream = shuffledRows(count, cursor);
  const take = (rows: number) => gather(x, dimensions, Uint32Array.from({ length: rows }, stream));
  const initial = Math.min(count, INIT_ROWS_PER_CLUSTER * clusters);
  const centroids = await plusPlus(take(initial), initial, dimensions, clusters, cursor, options);
  const size = batch === null ? count : Math.min(batch, count);
  let squares: number | undefined;
  let before: Uint32Array | undefined;
  for (let iteration = 0; iteration < iterations; ++iteration) {
    const rows = size === count ? x : take(size);
    const { labels, scores } = await nearest(rows, size, dimensions, centroids, options);
    if (size !== count || squares === undefined) squares = await sumOfSquares(rows, size, dimensions, options);
    onIteration?.(iteration, (squares - 2 * sum(scores)) / size); // mean squared distance to the nearest centroid
    const moved = balance !== null && rebalance(labels, centroids.count, balance, cursor);
    await moveToMeans(rows, dimensions, labels, centroids, options);
    const settled = size === count && !moved && before?.every((label, i) => label === labels[i]) === true;
    if (settled) break;
    before = labels;
  }
  return centroids;
}

/** The nearest centroid of each row. */
export function nearest(
  x: Float32Array,
  count: number,
  dimensions: number,
  centroids: Centroids,
  { threads, signal }: AsyncCallOptions,
): Promise<Nearest> {
  const shape = { count, length: dimensions, clusters: centroids.count };
  return nearestCentroidAsync(x, centroids.rows, { ...shape, threads, signal });
}

const sum = (values: Float32Array | Float64Array) => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

async function sumOfSquares(
  x: Float32Array,
  count: number,
  length: number,
  { threads, signal }: AsyncCallOptions,
): Promise<number> {
  return sum(await rowNormsAsync(x, { count, length, threads, signal }));
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

/**
 * Splits the largest cluster evenly at random with the smallest while it is over its share. Returns whether it did.
 * Every split ends with one cluster fewer over the share, or a larger smallest one: a bound on them is enough.
 */
export function rebalance(labels: Uint32Array, clusters: number, balance: number, cursor: Random): boolean {
  const most = (balance * labels.length) / clusters;
  const rows = rowsByLabel(labels, clusters);
  let moved = false;
  for (let split = 0; split < 2 * clusters; ++split) {
    const largest = rows.reduce((best, own, c) => (own.length > rows[best]!.length ? c : best), 0);
    const smallest = rows.reduce((best, own, c) => (own.length < rows[best]!.length ? c : best), 0);
    const from = rows[largest] as Uint32Array;
    if (!(from.length > most) || largest === smallest) return moved;
    moved = true;
    // Selection of exactly half of its rows, each with the same chance.
    const [leaving, staying] = [new Uint32Array(from.length >> 1), new Uint32Array((from.length + 1) >> 1)];
    let wanted = leaving.length;
    from.forEach((row, i) => {
      if (wanted > 0 && cursor.below(from.length - i) < wanted) {
        leaving[leaving.length - wanted--] = row;
        labels[row] = smallest;
      } else staying[i - (leaving.length - wanted)] = row;
    });
    rows[largest] = staying;
    rows[smallest] = merge(rows[smallest] as Uint32Array, leaving);
  }
  return moved;
}

/** The rows of each label, in order. */
function rowsByLabel(labels: Uint32Array, clusters: number): Uint32Array[] {
  const sizes = new Uint32Array(clusters);
  for (const label of labels) sizes[label]! += 1;
  const rows = Array.from(sizes, (size) => new Uint32Array(size));
  const filled = new Uint32Array(clusters);
  labels.forEach((label, row) => (rows[label]![filled[label]!++] = row));
  return rows;
}

function merge(a: Uint32Array, b: Uint32Array): Uint32Array {
  const both = new Uint32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both.sort();
}

/** Means of the rows of each cluster, summed in float64 in order of rows. */
async function moveToMeans(
  x: Float32Array,
  dimensions: number,
  labels: Uint32Array,
  { rows, count }: Centroids,
  { spherical, threads, signal }: KMeansOptions,
): Promise<void> {
  const shape = { count: labels.length, length: dimensions, segments: count };
  const sums = await addRowsByLabelAsync(x, labels, { ...shape, threads, signal });
  const sizes = new Uint32Array(count);
  for (const label of labels) sizes[label]! += 1;
  for (let c = 0; c < count; ++c) {
    if (sizes[c] === 0) continue;
    const own = sums.subarray(c * dimensions, (c + 1) * dimensions);
    const length = Math.sqrt(own.reduce((square, value) => square + value * value, 0));
    // Opposite rows may cancel: such a mean has no direction, and stays a mean.
    const scale = spherical && length > 0 ? 1 / length : 1 / (sizes[c] as number);
    rows.set(
      own.map((value) => value * scale),
      c * dimensions,
    );
  }
}
