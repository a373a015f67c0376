import { matmulAsync } from '../linalg/matmul.js';

/** Centroids of one node: [count][dimensions]. */
export interface Centroids {
  readonly rows: Float32Array;
  readonly count: number;
}

export interface NearestOptions {
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Products at a time: 4 MiB of them, whatever the number of centroids. */
const TILE_PRODUCTS = 2 ** 20;

/**
 * The nearest centroid of each row, by argmin ||x - c||^2 = argmax <x, c> - ||c||^2 / 2: one matrix product, one scan.
 * Ties go to the first. Tiles of rows depend on the number of centroids alone, so the same rows give the same answer.
 *
 * @param x [count][dimensions]
 * @returns for each row the centroid, and half the squared distance less ||x||^2 / 2 with its sign turned
 */
export async function nearestCentroid(
  x: Float32Array,
  count: number,
  dimensions: number,
  centroids: Centroids,
  { threads, signal }: NearestOptions = {},
): Promise<{ labels: Uint32Array; scores: Float64Array }> {
  const k = centroids.count;
  const labels = new Uint32Array(count);
  const scores = new Float64Array(count);
  const half = Float64Array.from({ length: k }, (_, c) => {
    let square = 0;
    for (let j = c * dimensions; j < (c + 1) * dimensions; ++j) square += (centroids.rows[j] as number) ** 2;
    return square / 2;
  });
  const tile = Math.max(1, Math.floor(TILE_PRODUCTS / k));
  const products = new Float32Array(Math.min(tile, count) * k);
  for (let first = 0; first < count; first += tile) {
    const m = Math.min(tile, count - first);
    const rows = x.subarray(first * dimensions, (first + m) * dimensions);
    const shape = { m, k: dimensions, n: k, transposeB: true, out: products, threads, signal };
    await matmulAsync(rows, centroids.rows, shape);
    scan(products, half, labels.subarray(first, first + m), scores.subarray(first, first + m));
  }
  return { labels, scores };
}

/** The largest product less half square of each row. */
function scan(products: Float32Array, half: Float64Array, labels: Uint32Array, scores: Float64Array): void {
  const k = half.length;
  for (let i = 0, at = 0; i < labels.length; ++i) {
    let best = 0;
    let most = -Infinity;
    for (let c = 0; c < k; ++c, ++at) {
      const score = (products[at] as number) - (half[c] as number);
      if (score > most) {
        best = c;
        most = score;
      }
    }
    labels[i] = best;
    scores[i] = most;
  }
}
