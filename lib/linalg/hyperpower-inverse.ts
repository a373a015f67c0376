import { mismatch, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { deviceArgument, type DeviceOptions } from '../native/device.js';
import { requireApart, requireArray } from './array-checks.js';
import { certificateSpace, defaultTolerance, readCertificates, requireBounds, type Certified } from './certificate.js';

/** Options of {@link hyperpowerInverse}. */
export interface HyperpowerInverseOptions<Array extends FloatArray> extends CallOptions, DeviceOptions {
  /** Rows and columns of a, >= 1. */
  readonly n: number;
  /** Number of matrices; default 1. */
  readonly batch?: number | undefined;
  /** 'scaled' (default) re-centres the residual at each step; 'textbook' is the published iteration. */
  readonly method?: 'scaled' | 'textbook' | undefined;
  /** Added to the diagonal of a (which is not written to), >= 0; default 0. */
  readonly damping?: number | undefined;
  /** The residual to reach, >= 0; default 1e-10 for float64 arrays, 1e-4 for float32. */
  readonly tolerance?: number | undefined;
  /** 'textbook': start alpha I, > 0; default 1 / ||a + damping I||_F. The authors use 5e-5. */
  readonly alpha?: number | undefined;
  /**
   * 'textbook': run exactly this many steps, >= 0 (fewer only when a tolerance is given and reached before);
   * default: until the tolerance, at most 100.
   */
  readonly steps?: number | undefined;
  /**
   * 'scaled': degree that each step multiplies the residual polynomial by, 2 (default) or 3. Either reaches the same
   * residual; order 3 takes three products where order 2 takes 3.17, and fewer, longer steps.
   */
  readonly order?: 2 | 3 | undefined;
  /** 'scaled': bounds of the spectrum of a + damping I, > 0; defaults as in hyperpowerSolve. */
  readonly lambdaMin?: number | undefined;
  readonly lambdaMax?: number | undefined;
  /** Receives the inverse; allocated when absent. Must not share memory with a. */
  readonly out?: Array | undefined;
}

/** The result of {@link hyperpowerInverse}. */
export interface InverseResult<Array extends FloatArray> extends Certified {
  /** [batch][n][n], of the type of a. */
  readonly inverse: Array;
}

/**
 * Inverse of A[i] + damping I by the hyperpower (Newton-Schulz) iteration, for symmetric positive definite matrices.
 *
 *   textbook   X_0 = alpha I,      X_{k+1} = X_k (2 I - A X_k): two full products a step; needs alpha < 2 / mu_max
 *   scaled     X_0 = 2/(a+b) I,    X_{k+1} = s_k (X_k + X_k R_k),   R_{k+1} = s_k R_k^2 + (1 - s_k) I,
 *              s_k = 2 / (2 - rho_k^2): two triangular products a step, about half the steps
 *   order 3    X_{k+1} = X_k + s_k X_k (R_k + R_k^2),   R_{k+1} = s_k R_k^3 - (s_k - 1) R_k,
 *              s_k = 4 / (4 - 3 rho_k^2): three triangular products a step
 *
 * Textbook after k steps equals alpha times the Neumann sum of (I - alpha A)^j, j < 2^k: eigenvalues well below
 * 1 / (alpha 2^k) are not inverted. Zhou, Fan and Jaggi, HyperINF, arXiv 2410.05090.
 *
 * @param a [batch][n][n], symmetric; not written to
 * @returns the inverse with its certificates: status 'stepLimit' when a textbook run ended above the tolerance,
 *   'diverged' when alpha was too large; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function hyperpowerInverse<Array extends FloatArray>(
  a: Array,
  options: HyperpowerInverseOptions<Array>,
): InverseResult<Array> {
  const { operation, inverse, space, args } = prepare(a, options);
  callSync(operation, args, options);
  return { inverse, ...readCertificates(space) };
}

/** As {@link hyperpowerInverse}, on the thread pool. */
export async function hyperpowerInverseAsync<Array extends FloatArray>(
  a: Array,
  options: HyperpowerInverseOptions<Array> & AsyncCallOptions,
): Promise<InverseResult<Array>> {
  const { operation, inverse, space, args } = prepare(a, options);
  await callAsync(operation, args, options);
  return { inverse, ...readCertificates(space) };
}

const MOST_STEPS = 100; // 2^100 terms of the Neumann series: kappa up to 1e28 in exact arithmetic

function prepare<Array extends FloatArray>(a: Array, options: HyperpowerInverseOptions<Array>) {
  const { n, batch = 1, method = 'scaled', damping = 0, alpha, steps, order, lambdaMin, lambdaMax } = options;
  requireInteger('n', n, 1);
  requireInteger('batch', batch, 1);
  requireOneOf('method', method, ['scaled', 'textbook']);
  requireNumber('damping', damping, 'a number >= 0', (value) => value >= 0);
  requireArray('a', a, a, batch * n * n);
  const { tolerance = defaultTolerance(a) } = options;
  requireNumber('tolerance', tolerance, 'a number >= 0', (value) => value >= 0);
  const foreign = method === 'scaled' ? { alpha, steps } : { lambdaMin, lambdaMax, order };
  for (const [name, value] of Object.entries(foreign)) {
    if (value !== undefined) throw mismatch('GRADSIFT_ARGUMENT', name, `nothing with method ${method}`, value);
  }
  const length = batch * n * n;
  const inverse = options.out ?? new (a.constructor as new (length: number) => Array)(length);
  requireArray('out', inverse, a, length);
  requireApart('out', inverse, 'a', a);
  const space = certificateSpace(batch);
  const args = [a, inverse, space, batch, n, damping, tolerance];
  if (method === 'scaled') {
    requireBounds(lambdaMin, lambdaMax);
    if (order !== undefined) requireInteger('order', order, 2, 3);
    const device = deviceArgument(options.device);
    if (device.length > 0 && order === 3) throw mismatch('GRADSIFT_ARGUMENT', 'order', '2 on a GPU', order);
    const scaled = [...args, lambdaMin ?? 0, lambdaMax ?? 0, order ?? 2, ...device];
    return { operation: 'scaledInverse' as const, inverse, space, args: scaled };
  }
  if (deviceArgument(options.device).length > 0) {
    throw mismatch('GRADSIFT_ARGUMENT', 'method', "'scaled' on a GPU", method);
  }
  if (alpha !== undefined) requireNumber('alpha', alpha, 'a number > 0', (value) => value > 0);
  if (steps !== undefined) requireInteger('steps', steps, 0, 2 ** 31);
  // The float64 residual may come out a little above the one seen on the way: aim for half.
  const stopAt = steps === undefined ? tolerance / 2 : (options.tolerance ?? 0) / 2;
  const textbook = [...args, alpha ?? 0, steps ?? MOST_STEPS, stopAt];
  return { operation: 'textbookInverse' as const, inverse, space, args: textbook };
}
