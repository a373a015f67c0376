import { mismatch, requireInteger } from '../errors.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { requireApart, requireFloat32, requireUint32 } from './array-checks.js';

/** Shapes and outputs of {@link nearestCentroid}. */
export interface NearestCentroidOptions extends CallOptions {
  /** Rows of X. */
  readonly count: number;
  /** Elements of one row, and of a centroid. */
  readonly length: number;
  /** Centroids, 1 .. 2^32. */
  readonly clusters: number;
  /** Receives [count]; allocated when absent. Must not share memory with the inputs. */
  readonly labels?: Uint32Array | undefined;
  /** Receives [count]; allocated when absent. Must not share memory with the inputs. */
  readonly scores?: Float32Array | undefined;
  /**
   * Whether products in bfloat16 sort out, by an error bound, which centroids are multiplied in float32. Never changes
   * a result; default: where the processor makes it faster.
   */
  readonly prefilter?: boolean | undefined;
}

/** What {@link nearestCentroid} found, [count] each. */
export interface Nearest {
  readonly labels: Uint32Array;
  readonly scores: Float32Array;
}

/**
 * The nearest centroid of each row, by argmin_j ||x - c_j||^2 = argmax_j s_j with s_j = <x, c_j> - ||c_j||^2 / 2, each
 * part rounded to float32. Ties go to the first. The squared distance is ||x||^2 - 2 s.
 *
 * @param rows X, [count][length]
 * @param centroids [clusters][length]
 * @returns for each row the number of the centroid, and its s; a row with a NaN has label 0 and -Infinity. The same
 * bits for any number of threads and rows in one call
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function nearestCentroid(rows: Float32Array, centroids: Float32Array, options: NearestCentroidOptions): Nearest {
  const { nearest, args } = prepare(rows, centroids, options);
  callSync('nearestCentroid', args, options);
  return nearest;
}

/** As {@link nearestCentroid}, on the thread pool. */
export async function nearestCentroidAsync(
  rows: Float32Array,
  centroids: Float32Array,
  options: NearestCentroidOptions & AsyncCallOptions,
): Promise<Nearest> {
  const { nearest, args } = prepare(rows, centroids, options);
  await callAsync('nearestCentroid', args, options);
  return nearest;
}

/** As the native operation numbers them. */
const PREFILTER = { never: 0, always: 1, automatic: 2 };

function prepare(rows: Float32Array, centroids: Float32Array, options: NearestCentroidOptions) {
  const { count, length, clusters, prefilter } = options;
  requireInteger('count', count, 0);
  requireInteger('length', length, 0);
  requireInteger('clusters', clusters, 1, 2 ** 32);
  requireFloat32('rows', rows, count * length);
  requireFloat32('centroids', centroids, clusters * length);
  if (prefilter !== undefined && typeof prefilter !== 'boolean') {
    throw mismatch('GRADSIFT_ARGUMENT', 'prefilter', 'true, false or undefined', prefilter);
  }
  const { labels = new Uint32Array(count), scores = new Float32Array(count) } = options;
  requireUint32('labels', labels, count);
  requireFloat32('scores', scores, count);
  for (const [name, input] of Object.entries({ rows, centroids })) {
    requireApart('labels', labels, name, input);
    requireApart('scores', scores, name, input);
  }
  requireApart('scores', scores, 'labels', labels);
  const when = prefilter === undefined ? PREFILTER.automatic : prefilter ? PREFILTER.always : PREFILTER.never;
  return { nearest: { labels, scores }, args: [rows, centroids, labels, scores, count, length, clusters, when] };
}
