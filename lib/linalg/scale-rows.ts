import { requireInteger } from '../errors.js';
import { callSync, type CallOptions } from '../native/calls.js';
import { requireApart, requireFloat32 } from './array-checks.js';

/** Shape of {@link scaleRows}. */
export interface ScaleRowsOptions extends CallOptions {
  /** Rows of X. */
  readonly count: number;
  /** Elements of one row. */
  readonly length: number;
  /** Receives [count][length]; allocated when absent. Must not share memory with the inputs. */
  readonly out?: Float32Array | undefined;
}

/** The native zip numbers its operations; this one multiplies. */
const MULTIPLY = 2;

/**
 * Every row times a number of its own: out[i][j] = scales[i] X[i][j], in float32.
 *
 * @param rows X, [count][length]
 * @param scales [count]
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function scaleRows(rows: Float32Array, scales: Float32Array, options: ScaleRowsOptions): Float32Array {
  const { count, length } = options;
  requireInteger('count', count, 0);
  requireInteger('length', length, 0);
  const { out = new Float32Array(count * length) } = options;
  requireFloat32('rows', rows, count * length);
  requireFloat32('scales', scales, count);
  requireFloat32('out', out, count * length);
  requireApart('out', out, 'rows', rows);
  requireApart('out', out, 'scales', scales);
  // rows run along with a stride; a scale stays for its row and moves on by one
  callSync('zip', [rows, scales, out, MULTIPLY, count, length, length, true, 1, false], options);
  return out;
}
