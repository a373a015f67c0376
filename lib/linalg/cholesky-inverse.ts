import { requireInteger, requireNumber } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { requireApart, requireArray, requireFloats } from './array-checks.js';
import { certificateSpace, defaultTolerance, readCertificates } from './certificate.js';
import type { InverseResult } from './hyperpower-inverse.js';

/** Options of {@link choleskyInverse}. */
export interface CholeskyInverseOptions<Array extends FloatArray> extends CallOptions {
  /** Rows and columns of a, >= 1. */
  readonly n: number;
  /** Number of matrices; default 1. */
  readonly batch?: number | undefined;
  /** Added to the diagonal of a (which is not written to), >= 0; default 0. */
  readonly damping?: number | undefined;
  /** The residual to reach, >= 0; default 1e-10 for float64 arrays, 1e-4 for float32. */
  readonly tolerance?: number | undefined;
  /** Receives the inverse; allocated when absent. Must not share memory with a. */
  readonly out?: Array | undefined;
}

/**
 * Inverse of A[i] + damping I for each symmetric positive definite matrix of a batch, by Cholesky.
 *
 * About n^3 flops in the precision of a, and 2 n^3 in float64 for the residual ||I - A X||_F / sqrt(n). Of a, only the
 * lower triangle is factored, while the residual reads all of it. The inverse is symmetric to the last bit. Nothing is
 * refined: a residual above the tolerance is status 'stagnated'.
 *
 * @param a [batch][n][n]; not written to
 * @returns the inverse with its certificates; a matrix that is not positive definite, or singular to working
 *   precision, gives status 'notPositiveDefinite' and zeros; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function choleskyInverse<Array extends FloatArray>(
  a: Array,
  options: CholeskyInverseOptions<Array>,
): InverseResult<Array> {
  const { inverse, space, args } = prepare(a, options);
  callSync('choleskyInverse', args, options);
  return { inverse, ...readCertificates(space) };
}

/** As {@link choleskyInverse}, on the thread pool. */
export async function choleskyInverseAsync<Array extends FloatArray>(
  a: Array,
  options: CholeskyInverseOptions<Array> & AsyncCallOptions,
): Promise<InverseResult<Array>> {
  const { inverse, space, args } = prepare(a, options);
  await callAsync('choleskyInverse', args, options);
  return { inverse, ...readCertificates(space) };
}

function prepare<Array extends FloatArray>(a: Array, options: CholeskyInverseOptions<Array>) {
  const { n, batch = 1, damping = 0 } = options;
  requireFloats('a', a, 0);
  const { tolerance = defaultTolerance(a) } = options;
  requireInteger('n', n, 1);
  requireInteger('batch', batch, 1);
  requireNumber('damping', damping, 'a number >= 0', (value) => value >= 0);
  requireNumber('tolerance', tolerance, 'a number >= 0', (value) => value >= 0);
  const length = batch * n * n;
  requireArray('a', a, a, length);
  const inverse = options.out ?? new (a.constructor as new (length: number) => Array)(length);
  requireArray('out', inverse, a, length);
  requireApart('out', inverse, 'a', a);
  const space = certificateSpace(batch);
  return { inverse, space, args: [a, inverse, space, batch, n, damping, tolerance] };
}
