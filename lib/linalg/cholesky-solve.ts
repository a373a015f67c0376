import { mismatch, requireOneOf } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions } from '../native/calls.js';
import { deviceArgument, type DeviceOptions } from '../native/device.js';
import { prepareSolve, readCertificates, type SolveOptions, type SolveResult } from './certificate.js';

/** Options of {@link choleskySolve}. */
export interface CholeskySolveOptions<Array extends FloatArray> extends SolveOptions<Array>, DeviceOptions {
  /**
   * Float64 arrays only. 'f64' (default): all in float64. 'mixed': the factor in float32, which pays from n of about a
   * thousand on, and as many corrections by the float64 residual as the tolerance takes; where that fails (a condition
   * number of about 2^24 or more) everything again in float64, and `restarts` is 1.
   */
  readonly precision?: 'f64' | 'mixed' | undefined;
}

const PRECISIONS = ['f64', 'mixed'] as const;

/**
 * Solves (A[i] + damping I) H[i]' = V[i]' for each symmetric positive definite matrix of a batch, by Cholesky.
 *
 * n^3/3 flops for the factor and 2 n^2 for each right-hand side, in the precision of a; one step of refinement when the
 * residual is above the tolerance; `precision` offers more. Of a, only the lower triangle is factored, while the
 * residual reads all of it.
 *
 * @param a [batch][n][n]; not written to
 * @param v [batch][rhs][n], one right-hand side a row, of the type of a
 * @returns the solution with its certificates; a matrix that is not positive definite, or singular to working
 *   precision, gives status 'notPositiveDefinite' and zeros; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function choleskySolve<Array extends FloatArray>(
  a: Array,
  v: Array,
  options: CholeskySolveOptions<Array>,
): SolveResult<Array> {
  const { solution, space, args } = prepare(a, v, options);
  callSync('choleskySolve', args, options);
  return { solution, ...readCertificates(space) };
}

/** As {@link choleskySolve}, on the thread pool. */
export async function choleskySolveAsync<Array extends FloatArray>(
  a: Array,
  v: Array,
  options: CholeskySolveOptions<Array> & AsyncCallOptions,
): Promise<SolveResult<Array>> {
  const { solution, space, args } = prepare(a, v, options);
  await callAsync('choleskySolve', args, options);
  return { solution, ...readCertificates(space) };
}

function prepare<Array extends FloatArray>(a: Array, v: Array, options: CholeskySolveOptions<Array>) {
  const { n, rhs, batch, damping, tolerance, solution, space } = prepareSolve(a, v, options);
  const { precision = 'f64' } = options;
  requireOneOf('precision', precision, PRECISIONS);
  const mixed = precision === 'mixed';
  if (mixed && a.BYTES_PER_ELEMENT === 4) {
    throw mismatch('GRADSIFT_ARGUMENT', 'precision', "nothing or 'f64' with float32 arrays", precision);
  }
  const args = [a, v, solution, space, batch, n, rhs, damping, tolerance, mixed, ...deviceArgument(options.device)];
  return { solution, space, args };
}
