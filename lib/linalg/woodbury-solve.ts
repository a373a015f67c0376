import { requireInteger, requireNumber } from '../errors.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { requireApart, requireFloat64, requireFloats } from './array-checks.js';
import { certificateSpace, readCertificates, type Certificate } from './certificate.js';

/** Options of {@link woodburySolve}. */
export interface WoodburyOptions extends CallOptions {
  /** Rows of m, >= 1: samples x r. */
  readonly count: number;
  /** Columns of m, >= 1. */
  readonly n: number;
  /** Right-hand sides, >= 1. */
  readonly rhs: number;
  /** Added to the diagonal, >= 0; 0 gives status 'notPositiveDefinite', M' M alone being singular for count < n. */
  readonly damping: number;
  /** Factor of M' M, > 0; default 1. */
  readonly scale?: number | undefined;
  /** The residual to reach, >= 0; default 1e-10. */
  readonly tolerance?: number | undefined;
  /** Receives the solution; allocated when absent. May be v. */
  readonly out?: Float64Array | undefined;
}

/** The result of {@link woodburySolve}. */
export interface WoodburyResult extends Certificate {
  /** H, [rhs][n], one solution a row. */
  readonly solution: Float64Array;
}

/**
 * Solves (damping I + scale M' M) H' = V' in the space of the rows of M, for count < n:
 *
 *   H = (1/damping) (V - S M),   S (M M' + (damping/scale) I) = V M'
 *
 * count^2 n flops for M M' (half of it used), count^3/3 for its Cholesky factor, 8 count n for each right-hand side.
 * The n x n matrix is never formed, not even for the residual, which is float64.
 *
 * @param m [count][n] gradient rows, float32 or float64; read in place
 * @param v [rhs][n]
 * @returns the solution with its certificate; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function woodburySolve(
  m: Float32Array | Float64Array,
  v: Float64Array,
  options: WoodburyOptions,
): WoodburyResult {
  const { solution, space, args } = prepare(m, v, options);
  callSync('woodburySolve', args, options);
  return { solution, ...(readCertificates(space).certificates[0] as Certificate) };
}

/** As {@link woodburySolve}, on the thread pool. */
export async function woodburySolveAsync(
  m: Float32Array | Float64Array,
  v: Float64Array,
  options: WoodburyOptions & AsyncCallOptions,
): Promise<WoodburyResult> {
  const { solution, space, args } = prepare(m, v, options);
  await callAsync('woodburySolve', args, options);
  return { solution, ...(readCertificates(space).certificates[0] as Certificate) };
}

function prepare(m: Float32Array | Float64Array, v: Float64Array, options: WoodburyOptions) {
  const { count, n, rhs, damping, scale = 1, tolerance = 1e-10 } = options;
  for (const [name, size] of Object.entries({ count, n, rhs })) requireInteger(name, size, 1);
  requireNumber('damping', damping, 'a number >= 0', (value) => value >= 0);
  requireNumber('scale', scale, 'a number > 0', (value) => value > 0);
  requireNumber('tolerance', tolerance, 'a number >= 0', (value) => value >= 0);
  requireFloats('m', m, count * n);
  requireFloat64('v', v, rhs * n);
  const solution = options.out ?? new Float64Array(rhs * n);
  requireFloat64('out', solution, rhs * n);
  requireApart('out', solution, 'm', m);
  if (solution.buffer !== v.buffer || solution.byteOffset !== v.byteOffset) requireApart('out', solution, 'v', v);
  const space = certificateSpace(1);
  return { solution, space, args: [m, v, solution, space, count, n, rhs, scale, damping, tolerance] };
}
