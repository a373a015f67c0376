import { requireInteger, requireNumber } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { requireArray } from './array-checks.js';

/** Options of {@link solveResidual}. */
export interface ResidualOptions extends CallOptions {
  /** Rows and columns of a, >= 1. */
  readonly n: number;
  /** Right-hand sides, >= 1. */
  readonly rhs: number;
  /** Added to the diagonal of a, >= 0; default 0. */
  readonly damping?: number | undefined;
}

/**
 * ||V - (A + damping I) H||_F / ||V||_F in float64, 0 when V is zero: what any claimed solution leaves over.
 *
 * @param a [n][n]
 * @param v [rhs][n], one right-hand side a row, of the type of a
 * @param h [rhs][n], the claimed solution, of the type of a; NaN gives NaN
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function solveResidual<Array extends FloatArray>(
  a: Array,
  v: Array,
  h: Array,
  options: ResidualOptions,
): number {
  const { value, args } = prepare(a, v, h, options);
  callSync('solveResidual', args, options);
  return value[0] as number;
}

/** As {@link solveResidual}, on the thread pool. */
export async function solveResidualAsync<Array extends FloatArray>(
  a: Array,
  v: Array,
  h: Array,
  options: ResidualOptions & AsyncCallOptions,
): Promise<number> {
  const { value, args } = prepare(a, v, h, options);
  await callAsync('solveResidual', args, options);
  return value[0] as number;
}

function prepare<Array extends FloatArray>(a: Array, v: Array, h: Array, options: ResidualOptions) {
  const { n, rhs, damping = 0 } = options;
  requireInteger('n', n, 1);
  requireInteger('rhs', rhs, 1);
  requireNumber('damping', damping, 'a number >= 0', (value) => value >= 0);
  requireArray('a', a, a, n * n);
  requireArray('v', v, a, rhs * n);
  requireArray('h', h, a, rhs * n);
  const value = new Float64Array(1);
  return { value, args: [a, v, h, value, n, rhs, damping] };
}
