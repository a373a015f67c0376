import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions } from '../native/calls.js';
import { deviceArgument, type DeviceOptions } from '../native/device.js';
import { requireInteger, requireNumber, requireOneOf } from '../errors.js';
import { prepareSolve, readCertificates, requireBounds, type SolveOptions, type SolveResult } from './certificate.js';

/** Options of {@link hyperpowerSolve}. */
export interface HyperpowerSolveOptions<Array extends FloatArray> extends SolveOptions<Array>, DeviceOptions {
  /**
   * Lower bound of the spectrum of a + damping I, > 0. Default: the damping, a being positive semidefinite; without a
   * damping an estimate by Lanczos, corrected by restarts where it proves too large.
   */
  readonly lambdaMin?: number | undefined;
  /** Upper bound of the spectrum of a + damping I; default: eight Lanczos steps, at most ||a + damping I||. */
  readonly lambdaMax?: number | undefined;
  /** Type of the products; the residuals are float64 in both. Default 'f64' for float64 arrays, 'mixed' for float32. */
  readonly precision?: 'f64' | 'mixed' | undefined;
}

/** What a solve will cost, known before it starts. */
export interface HyperpowerPlan {
  /** Doublings: steps - 1 triangular products of n^3 flops. */
  readonly steps: number;
  /** Passes of X over the right-hand sides: the solution and its refinements. */
  readonly passes: number;
  /** Bound of ||I - A X||_2. */
  readonly rho: number;
  readonly flops: number;
  /** Bound of ||R_k||_2 after k = 0, 1, ... doublings: 1 / T_{2^k}(1 / rho_0), T being Chebyshev's polynomials. */
  readonly rhos: Float64Array;
}

/** What {@link hyperpowerPlan} needs to know. */
export interface HyperpowerPlanOptions {
  readonly n: number;
  readonly rhs: number;
  readonly lambdaMin: number;
  readonly lambdaMax: number;
  readonly tolerance?: number | undefined;
  readonly precision?: 'f64' | 'mixed' | undefined;
}

const PRECISIONS = ['f64', 'mixed'] as const;
const PLAN_NUMBERS = 4; // steps, passes, rho, flops: native/binding/ops/hyperpower_plan.cc
const PLAN_RHOS = 65;

/** Steps and flops of {@link hyperpowerSolve} for given bounds of the spectrum, without touching a matrix. */
export function hyperpowerPlan(options: HyperpowerPlanOptions): HyperpowerPlan {
  const { n, rhs, lambdaMin, lambdaMax, tolerance = 1e-10, precision = 'f64' } = options;
  requireInteger('n', n, 1);
  requireInteger('rhs', rhs, 1);
  for (const [name, bound] of Object.entries({ lambdaMin, lambdaMax })) {
    requireNumber(name, bound, 'a number > 0', (value) => value > 0);
  }
  requireBounds(lambdaMin, lambdaMax);
  requireNumber('tolerance', tolerance, 'a number >= 0', (value) => value >= 0);
  requireOneOf('precision', precision, PRECISIONS);
  const out = new Float64Array(PLAN_NUMBERS + PLAN_RHOS);
  callSync('hyperpowerPlan', [out, n, rhs, lambdaMin, lambdaMax, tolerance, precision === 'mixed'], { threads: 1 });
  const [steps, passes, rho, flops] = [...out.subarray(0, PLAN_NUMBERS)] as [number, number, number, number];
  return { steps, passes, rho, flops, rhos: out.subarray(PLAN_NUMBERS) };
}

/**
 * Solves (A[i] + damping I) H[i]' = V[i]' by the scaled hyperpower iteration, without forming an inverse:
 *
 *   R_0 = I - 2/(a+b) A,   R_{k+1} = s_k R_k^2 + (1 - s_k) I,   X = 2/(a+b) prod s_k (I + R_k)
 *
 * One triangular product of n^3 flops a doubling, then 2 n^2 for each factor and right-hand side. [a, b] holds the
 * spectrum; the residual polynomial is Chebyshev's of degree 2^k, the best of its degree. The block is refined in
 * float64 by conjugate gradients with X as preconditioner. Keeps the factors: about 8 n^2 values of scratch.
 *
 * @param a [batch][n][n], symmetric positive definite once damped; not written to
 * @param v [batch][rhs][n], one right-hand side a row, of the type of a
 * @returns the solution with its certificates; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function hyperpowerSolve<Array extends FloatArray>(
  a: Array,
  v: Array,
  options: HyperpowerSolveOptions<Array>,
): SolveResult<Array> {
  const { solution, space, args } = prepare(a, v, options);
  callSync('hyperpowerSolve', args, options);
  return { solution, ...readCertificates(space) };
}

/** As {@link hyperpowerSolve}, on the thread pool. */
export async function hyperpowerSolveAsync<Array extends FloatArray>(
  a: Array,
  v: Array,
  options: HyperpowerSolveOptions<Array> & AsyncCallOptions,
): Promise<SolveResult<Array>> {
  const { solution, space, args } = prepare(a, v, options);
  await callAsync('hyperpowerSolve', args, options);
  return { solution, ...readCertificates(space) };
}

function prepare<Array extends FloatArray>(a: Array, v: Array, options: HyperpowerSolveOptions<Array>) {
  const { n, rhs, batch, damping, tolerance, solution, space } = prepareSolve(a, v, options);
  const { lambdaMin, lambdaMax, precision = a.BYTES_PER_ELEMENT === 8 ? 'f64' : 'mixed' } = options;
  requireBounds(lambdaMin, lambdaMax);
  requireOneOf('precision', precision, PRECISIONS);
  const bounds = [lambdaMin ?? 0, lambdaMax ?? 0];
  const sizes = [batch, n, rhs, damping, tolerance, ...bounds];
  const args = [a, v, solution, space, ...sizes, precision === 'mixed', ...deviceArgument(options.device)];
  return { solution, space, args };
}
