import { requireInteger } from '../errors.js';
import { statusName } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions, type Outcome } from '../native/calls.js';
import { requireApart, requireFloat64 } from './array-checks.js';

/** Options of {@link eigh}. */
export interface EighOptions extends CallOptions {
  /** Rows and columns of each matrix, >= 1. */
  readonly n: number;
  /** Number of matrices; default 1. */
  readonly batch?: number | undefined;
  /** Receive the result; allocated when absent. Neither may share memory with a or with the other. */
  readonly out?:
    { readonly values?: Float64Array | undefined; readonly vectors?: Float64Array | undefined } | undefined;
}

/** The result of {@link eigh}. */
export interface EighResult {
  /** [batch][n], ascending. */
  readonly values: Float64Array;
  /** [batch][n][n], orthonormal: row k belongs to value k. Signs, and bases of equal values, are arbitrary. */
  readonly vectors: Float64Array;
  /** The first of `statuses` that is not 'ok'. */
  readonly status: Outcome;
  /**
   * One for each matrix. 'nonFinite': a holds NaN or infinity, or an eigenvalue overflows. 'stepLimit': an iteration
   * did not converge (never seen). In both cases its values and vectors are zeros.
   */
  readonly statuses: readonly Outcome[];
}

/**
 * Eigenvalues and eigenvectors of symmetric matrices: A[i] = sum_k values[k] x_k x_k', x_k = row k of the vectors.
 *
 * Householder reflections to tridiagonal form, then divide and conquer: about 5 n^3 flops and 3 n^2 doubles of scratch.
 * Backward stable: the result is exact for a matrix within a few n roundings of ||A||, and the vectors are orthogonal
 * to as many roundings. Eigenvalues far below ||A|| have that absolute accuracy, not a relative one.
 * Gu and Eisenstat, A divide-and-conquer algorithm for the symmetric tridiagonal eigenproblem, SIMAX 16 (1995).
 *
 * @param a [batch][n][n]; only the lower triangle is read, symmetry is not checked; not written to
 * @returns values, vectors and what became of them; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function eigh(a: Float64Array, options: EighOptions): EighResult {
  const { args, result } = prepare(a, options);
  callSync('eigh', args, options);
  return result();
}

/** As {@link eigh}, on the thread pool. */
export async function eighAsync(a: Float64Array, options: EighOptions & AsyncCallOptions): Promise<EighResult> {
  const { args, result } = prepare(a, options);
  await callAsync('eigh', args, options);
  return result();
}

function prepare(a: Float64Array, { n, batch = 1, out = {} }: EighOptions) {
  requireInteger('n', n, 1);
  requireInteger('batch', batch, 1);
  requireFloat64('a', a, batch * n * n);
  const { values = new Float64Array(batch * n), vectors = new Float64Array(batch * n * n) } = out;
  requireFloat64('out.values', values, batch * n);
  requireFloat64('out.vectors', vectors, batch * n * n);
  requireApart('out.values', values, 'a', a);
  requireApart('out.vectors', vectors, 'a', a);
  requireApart('out.values', values, 'out.vectors', vectors);
  const codes = new Float64Array(batch);
  const result = (): EighResult => {
    const statuses = Array.from(codes, (code) => statusName(code) as Outcome);
    return { values, vectors, status: statuses.find((status) => status !== 'ok') ?? 'ok', statuses };
  };
  return { args: [a, values, vectors, codes, batch, n], result };
}
