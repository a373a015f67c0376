import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync } from '../native/calls.js';
import {
  prepareSolve,
  readCertificates,
  type AsyncSolveOptions,
  type SolveOptions,
  type SolveResult,
} from './certificate.js';

/**
 * Solves (A[i] + damping I) H[i]' = V[i]' for each symmetric positive definite matrix of a batch, by Cholesky.
 *
 * n^3/3 flops for the factor and 2 n^2 for each right-hand side, in the precision of a; one step of refinement when the
 * residual is above the tolerance. Of a, only the lower triangle is factored, while the residual reads all of it.
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
  options: SolveOptions<Array>,
): SolveResult<Array> {
  const { solution, space, args } = prepare(a, v, options);
  callSync('choleskySolve', args, options);
  return { solution, ...readCertificates(space) };
}

/** As {@link choleskySolve}, on the thread pool. */
export async function choleskySolveAsync<Array extends FloatArray>(
  a: Array,
  v: Array,
  options: AsyncSolveOptions<Array>,
): Promise<SolveResult<Array>> {
  const { solution, space, args } = prepare(a, v, options);
  await callAsync('choleskySolve', args, options);
  return { solution, ...readCertificates(space) };
}

function prepare<Array extends FloatArray>(a: Array, v: Array, options: SolveOptions<Array>) {
  const { n, rhs, batch, damping, tolerance, solution, space } = prepareSolve(a, v, options);
  return { solution, space, args: [a, v, solution, space, batch, n, rhs, damping, tolerance] };
}
