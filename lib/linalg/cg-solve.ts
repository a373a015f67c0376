import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions } from '../native/calls.js';
import { requireInteger } from '../errors.js';
import { prepareSolve, readCertificates, type SolveOptions, type SolveResult } from './certificate.js';

/** Options of {@link cgSolve}. */
export interface CgOptions<Array extends FloatArray> extends SolveOptions<Array> {
  /** At most this many steps in all, >= 1; default min(10 n + 100, 5000). */
  readonly steps?: number | undefined;
}

/**
 * Solves (A[i] + damping I) H[i]' = V[i]' by conjugate gradients, all right-hand sides at a time, each with its own
 * scalars. 2 n^2 flops a step and right-hand side, in float64 whatever the type of a. A row rests once its residual is
 * at most `tolerance` of its norm; the residual is then recomputed, and the iteration restarted on what is left if it
 * had drifted. Hestenes and Stiefel, Methods of conjugate gradients for solving linear systems, 1952.
 *
 * @param a [batch][n][n], symmetric positive definite once damped; not written to
 * @param v [batch][rhs][n], one right-hand side a row, of the type of a
 * @returns the solution with its certificates; status 'stepLimit' or 'stagnated' above the tolerance,
 *   'notPositiveDefinite' when a direction without positive curvature was met; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function cgSolve<Array extends FloatArray>(a: Array, v: Array, options: CgOptions<Array>): SolveResult<Array> {
  const { solution, space, args } = prepare(a, v, options);
  callSync('cgSolve', args, options);
  return { solution, ...readCertificates(space) };
}

/** As {@link cgSolve}, on the thread pool. */
export async function cgSolveAsync<Array extends FloatArray>(
  a: Array,
  v: Array,
  options: CgOptions<Array> & AsyncCallOptions,
): Promise<SolveResult<Array>> {
  const { solution, space, args } = prepare(a, v, options);
  await callAsync('cgSolve', args, options);
  return { solution, ...readCertificates(space) };
}

function prepare<Array extends FloatArray>(a: Array, v: Array, options: CgOptions<Array>) {
  const { n, rhs, batch, damping, tolerance, solution, space } = prepareSolve(a, v, options);
  const { steps = Math.min(10 * n + 100, 5000) } = options;
  requireInteger('steps', steps, 1, 2 ** 31);
  return { solution, space, args: [a, v, solution, space, batch, n, rhs, damping, tolerance, steps] };
}
