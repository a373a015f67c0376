import { requireInteger } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { requireApart, requireFloat64, requireFloats } from './array-checks.js';

/** Shape of {@link rowGram}. */
export interface RowGramOptions extends CallOptions {
  /** Rows of X. */
  readonly count: number;
  /** Elements of one row. */
  readonly length: number;
  /** Receives K, count x count; allocated when absent. */
  readonly out?: Float64Array;
}

/**
 * Gram matrix of rows, K = X X', with products and sums in float64.
 *
 * @param rows X, [count][length]
 * @returns K, count x count, exactly symmetric; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function rowGram(rows: FloatArray, options: RowGramOptions): Float64Array {
  const { out, args } = prepare(rows, options);
  callSync('rowGram', args, options);
  return out;
}

/** As {@link rowGram}, on the thread pool. */
export async function rowGramAsync(
  rows: FloatArray,
  options: RowGramOptions & AsyncCallOptions,
): Promise<Float64Array> {
  const { out, args } = prepare(rows, options);
  await callAsync('rowGram', args, options);
  return out;
}

function prepare(rows: FloatArray, options: RowGramOptions) {
  const { count, length } = options;
  requireInteger('count', count, 0);
  requireInteger('length', length, 0);
  const { out = new Float64Array(count * count) } = options;
  requireFloats('rows', rows, count * length);
  requireFloat64('out', out, count * count);
  requireApart('out', out, 'rows', rows);
  return { out, args: [rows, out, count, length] };
}
