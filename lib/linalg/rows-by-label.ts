import { requireInteger } from '../errors.js';
import { callAsync, callSync, type AsyncCallOptions } from '../native/calls.js';
import { requireApart, requireFloat32, requireFloat64, requireUint32 } from './array-checks.js';
import type { RowsOptions } from './rows.js';

/** Shape of {@link addRowsByLabel}. */
export interface RowsByLabelOptions extends RowsOptions {
  /** Sums: labels 0 .. segments - 1. */
  readonly segments: number;
}

/**
 * Sums of rows by label, added to out: out[labels[i]][j] += X[i][j], in order of rows. A label of `segments` or more
 * belongs to no sum.
 *
 * @param rows X, [count][length]
 * @param labels [count]
 * @returns out, [segments][length], starting from zeros when none is given; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function addRowsByLabel(rows: Float32Array, labels: Uint32Array, options: RowsByLabelOptions): Float64Array {
  const { out, args } = prepare(rows, labels, options);
  callSync('addRowsByLabel', args, options);
  return out;
}

/** As {@link addRowsByLabel}, on the thread pool. */
export async function addRowsByLabelAsync(
  rows: Float32Array,
  labels: Uint32Array,
  options: RowsByLabelOptions & AsyncCallOptions,
): Promise<Float64Array> {
  const { out, args } = prepare(rows, labels, options);
  await callAsync('addRowsByLabel', args, options);
  return out;
}

function prepare(rows: Float32Array, labels: Uint32Array, options: RowsByLabelOptions) {
  const { count, length, segments } = options;
  requireInteger('count', count, 0);
  requireInteger('length', length, 0);
  requireInteger('segments', segments, 0);
  requireFloat32('rows', rows, count * length);
  requireUint32('labels', labels, count);
  const { out = new Float64Array(segments * length) } = options;
  requireFloat64('out', out, segments * length);
  requireApart('out', out, 'rows', rows);
  requireApart('out', out, 'labels', labels);
  return { out, args: [rows, labels, out, count, length, segments] };
}
