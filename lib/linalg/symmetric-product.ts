import { mismatch, requireInteger, requireNumber } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { deviceArgument, type DeviceOptions } from '../native/device.js';
import { requireApart, requireArray, requireFloats } from './array-checks.js';

/** Size and scaling of {@link symmetricProduct}. */
export interface SymmetricProductOptions<Array extends FloatArray> extends CallOptions, DeviceOptions {
  /** Order of the matrices. */
  readonly n: number;
  /** Number of products; default 1. */
  readonly batch?: number;
  /** Default 1. */
  readonly alpha?: number;
  /** Default 0: `out` is overwritten, never read. Needs `out` when not 0. */
  readonly beta?: number;
  /** Added to the diagonal; default 0. */
  readonly gamma?: number;
  /** Receives C; allocated when absent. Must not share memory with a or b. */
  readonly out?: Array;
}

/**
 * C[i] = alpha A[i] B[i] + beta C[i] + gamma I for symmetric matrices that commute, so that the product is symmetric:
 * one triangle is computed, half the flops of a matmul, and mirrored.
 *
 * Symmetry and commuting are the caller's word; they are not checked. Squares and polynomials of one matrix commute.
 *
 * @param a [batch][n][n], symmetric
 * @param b [batch][n][n], symmetric, of the type of a; may be a itself
 * @returns C, [batch][n][n], exactly symmetric; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function symmetricProduct<Array extends FloatArray>(
  a: Array,
  b: Array,
  options: SymmetricProductOptions<Array>,
): Array {
  const { out, args } = prepare(a, b, options);
  callSync('symmetricProduct', args, options);
  return out;
}

/** As {@link symmetricProduct}, on the thread pool. */
export async function symmetricProductAsync<Array extends FloatArray>(
  a: Array,
  b: Array,
  options: SymmetricProductOptions<Array> & AsyncCallOptions,
): Promise<Array> {
  const { out, args } = prepare(a, b, options);
  await callAsync('symmetricProduct', args, options);
  return out;
}

function prepare<Array extends FloatArray>(a: Array, b: Array, options: SymmetricProductOptions<Array>) {
  const { n, batch = 1, alpha = 1, beta = 0, gamma = 0 } = options;
  requireInteger('n', n, 0);
  requireInteger('batch', batch, 0);
  for (const [name, value] of Object.entries({ alpha, beta, gamma })) requireNumber(name, value);
  const length = batch * n * n;
  requireFloats('a', a, length);
  requireArray('b', b, a, length);
  if (beta !== 0 && options.out === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', 'out', 'the matrices that beta scales', undefined);
  }
  const out = options.out ?? new (a.constructor as new (length: number) => Array)(length);
  requireArray('out', out, a, length);
  requireApart('out', out, 'a', a);
  requireApart('out', out, 'b', b);
  return { out, args: [a, b, out, batch, n, alpha, beta, gamma, ...deviceArgument(options.device)] };
}
