import { GradsiftError, mismatch, requireInteger, requireNumber } from '../errors.js';
import type { FloatArray } from '../native/binding.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { deviceArgument, type DeviceOptions } from '../native/device.js';
import { arrayKind, requireApart } from './array-checks.js';

/** Sizes, strides and scaling of {@link matmul}. Everything is counted in elements. */
export interface MatmulOptions extends CallOptions, DeviceOptions {
  /** Rows of op(A) and C. */
  readonly m: number;
  /** Columns of op(A), rows of op(B). */
  readonly k: number;
  /** Columns of op(B) and C. */
  readonly n: number;
  /** Number of products; default 1. */
  readonly batch?: number;
  /** A is stored k x m; default false. */
  readonly transposeA?: boolean;
  /** B is stored n x k; default false. */
  readonly transposeB?: boolean;
  /** Default 1. */
  readonly alpha?: number;
  /** Default 0: `out` is overwritten, never read. Needs `out` when not 0. */
  readonly beta?: number;
  /** Distance between two stored rows of A, B, C; default: their stored width. */
  readonly ldA?: number;
  readonly ldB?: number;
  readonly ldC?: number;
  /** Distance between matrices of the batch; default: stored rows x ld. 0 uses one matrix for all (A and B only). */
  readonly strideA?: number;
  readonly strideB?: number;
  readonly strideC?: number;
}

type Out<Array extends FloatArray> = {
  /** Receives C; allocated when absent. Must not share memory with a or b. */
  readonly out?: Array;
};

/**
 * Batched matrix product C[i] = alpha op(A[i]) op(B[i]) + beta C[i], row-major, op(X) = X or its transpose.
 *
 * @param a m x k (or k x m with transposeA) elements a matrix
 * @param b k x n (or n x k with transposeB), of the same type as a
 * @returns C, batch x m x n, of the type of a; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function matmul<Array extends FloatArray>(a: Array, b: Array, options: MatmulOptions & Out<Array>): Array {
  const { out, args } = prepare(a, b, options);
  callSync('matmul', args, options);
  return out;
}

/** As {@link matmul}, on the thread pool. */
export async function matmulAsync<Array extends FloatArray>(
  a: Array,
  b: Array,
  options: MatmulOptions & Out<Array> & AsyncCallOptions,
): Promise<Array> {
  const { out, args } = prepare(a, b, options);
  await callAsync('matmul', args, options);
  return out;
}

function prepare<Array extends FloatArray>(a: Array, b: Array, options: MatmulOptions & Out<Array>) {
  const { m, n, k, batch = 1, transposeA = false, transposeB = false, alpha = 1, beta = 0 } = options;
  // One by one, without lists of names: a small product takes less time than making them.
  requireInteger('m', m, 0);
  requireInteger('n', n, 0);
  requireInteger('k', k, 0);
  requireInteger('batch', batch, 0);
  requireNumber('alpha', alpha);
  requireNumber('beta', beta);
  requireFlag('transposeA', transposeA);
  requireFlag('transposeB', transposeB);
  const rowsA = transposeA ? k : m;
  const columnsA = transposeA ? m : k;
  const rowsB = transposeB ? n : k;
  const columnsB = transposeB ? k : n;
  const { ldA = columnsA, ldB = columnsB, ldC = n } = options;
  requireInteger('ldA', ldA, columnsA);
  requireInteger('ldB', ldB, columnsB);
  requireInteger('ldC', ldC, n);
  const { strideA = rowsA * ldA, strideB = rowsB * ldB, strideC = m * ldC } = options;
  requireInteger('strideA', strideA, 0);
  requireInteger('strideB', strideB, 0);
  requireInteger('strideC', strideC, batch > 1 && m > 0 ? (m - 1) * ldC + n : 0);
  requireSpan('a', a, a, batch, strideA, rowsA, ldA, columnsA);
  requireSpan('b', b, a, batch, strideB, rowsB, ldB, columnsB);
  const sizeC = span(batch, strideC, m, ldC, n);
  if (beta !== 0 && options.out === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', 'out', 'the matrices that beta scales', undefined);
  }
  const out = options.out ?? new (a.constructor as new (length: number) => Array)(sizeC);
  requireSpan('out', out, a, batch, strideC, m, ldC, n);
  // The product is formed in place in `out`: an input that shares its bytes would change while it is read.
  requireApart('out', out, 'a', a);
  requireApart('out', out, 'b', b);
  const args = [
    a,
    b,
    out,
    batch,
    m,
    n,
    k,
    alpha,
    beta,
    transposeA,
    transposeB,
    ldA,
    ldB,
    ldC,
    strideA,
    strideB,
    strideC,
    ...deviceArgument(options.device),
  ];
  return { out, args };
}

/** Elements from the first to the last of a strided batch. */
function span(batch: number, stride: number, rows: number, ld: number, columns: number): number {
  if (batch === 0 || rows === 0 || columns === 0) return 0;
  return (batch - 1) * stride + (rows - 1) * ld + columns;
}

function requireFlag(name: string, flag: unknown): void {
  if (typeof flag !== 'boolean') throw mismatch('GRADSIFT_ARGUMENT', name, 'true or false', flag);
}

function requireSpan(
  name: string,
  array: FloatArray,
  like: FloatArray,
  batch: number,
  stride: number,
  rows: number,
  ld: number,
  columns: number,
): void {
  const kind = arrayKind(array);
  if (kind !== 'Float32Array' && kind !== 'Float64Array') {
    throw mismatch('GRADSIFT_DTYPE', name, 'a Float32Array or Float64Array', array);
  }
  if (array.BYTES_PER_ELEMENT !== like.BYTES_PER_ELEMENT) {
    throw mismatch('GRADSIFT_DTYPE', name, `a ${like.constructor.name} like a`, array);
  }
  const needed = span(batch, stride, rows, ld, columns);
  if (!(array.length >= needed)) {
    const shape = `${batch} x ${rows} x ${columns}, ld ${ld}, stride ${stride}`;
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${name}: expected at least ${needed} elements (${shape}), got ${array.length}`,
    );
  }
}
