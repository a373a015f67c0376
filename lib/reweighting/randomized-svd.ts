// The leading singular vectors of a large sparse matrix by a few products with thin dense ones (Halko, Martinsson and
// Tropp, Finding structure with randomness, SIAM Review 53 (2011), algorithms 4.4 and 5.1, for the rows of A):
//
//     Z = orth(A' G), G gaussian;   q times: Z = orth(A' A Z);   (A Z)'(A Z) = W S^2 W',   V = Z W
//
// Between products Z is made orthonormal by its Gram matrix, twice (Stathopoulos and Wu, A block orthogonalization
// procedure with constant synchronization requirements, SISC 23 (2002)); directions that A does not have become zeros.
import { setImmediate } from 'node:timers/promises';
import { eighAsync } from '../linalg/eigh.js';
import { gfimAsync } from '../linalg/gfim.js';
import { matmulAsync } from '../linalg/matmul.js';
import { sparseProductAsync, sparseTranspose, type SparseRows } from '../linalg/sparse-product.js';
import type { Random } from '../random.js';

export interface RandomizedSvdOptions {
  /** Singular vectors wanted. */
  readonly rank: number;
  /** Columns of Z beyond them. */
  readonly oversample: number;
  /** q. */
  readonly powerIterations: number;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** After each product with A or A': done of 2 q + 2. */
  readonly onProduct?: ((done: number, products: number) => void) | undefined;
}

/** Singular values that float32 products tell from zero, relative to the largest of the same matrix. */
const SMALLEST = 2 ** -20;
/** Gaussian numbers before the event loop gets its turn. */
const TURN = 2 ** 15;

/** Leading right singular vectors. */
export interface RightVectors {
  /** [rank], descending. */
  readonly values: Float64Array;
  /** [columns][rank], orthonormal columns, of zeros where the value is 0. */
  readonly vectors: Float32Array;
}

/** The `rank` largest singular values of A and their right vectors. */
export async function randomizedSvd(
  a: SparseRows,
  cursor: Random,
  options: RandomizedSvdOptions,
): Promise<RightVectors> {
  const { rank, oversample, powerIterations, threads, signal, onProduct } = options;
  const width = rank + oversample;
  const turned = sparseTranspose(a);
  let done = 0;
  const product = async (matrix: SparseRows, x: Float32Array) => {
    const y = await sparseProductAsync(matrix, x, { width, threads, signal });
    onProduct?.(++done, 2 * powerIterations + 2);
    return y;
  };
  const orthonormal = async (x: Float32Array) => {
    const once = await rotate(x, a.columns, width, options);
    return (await rotate(once.rows, a.columns, width, options)).rows;
  };
  let z = await orthonormal(await product(turned, await gaussians(a.rows * width, cursor, signal)));
  for (let q = 0; q < powerIterations; ++q) z = await orthonormal(await product(turned, await product(a, z)));
  const { values, vectors } = await gramEigen(await product(a, z), a.rows, width, options);
  const leading = Float32Array.from({ length: width * rank }, (_, at) => {
    const [j, i] = [at % rank, Math.floor(at / rank)];
    return (values[j] as number) > 0 ? (vectors[j * width + i] as number) : 0;
  });
  const shape = { m: a.columns, k: width, n: rank, threads, signal };
  return { values: values.slice(0, rank), vectors: await matmulAsync(z, leading, shape) };
}

async function gaussians(count: number, cursor: Random, signal: AbortSignal | undefined): Promise<Float32Array> {
  const out = new Float32Array(count);
  for (let i = 0; i < count; ++i) {
    out[i] = cursor.normal();
    if (i % TURN !== TURN - 1) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
  return out;
}

/** Singular values of X [rows][width], descending, those lost to rounding as 0, and its right vectors by rows. */
async function gramEigen(
  x: Float32Array,
  rows: number,
  width: number,
  { threads, signal }: RandomizedSvdOptions,
): Promise<{ values: Float64Array; vectors: Float64Array }> {
  const gram = await gfimAsync(x, { samples: rows, r: 1, d: width, scale: 1, threads, signal });
  const found = await eighAsync(gram, { n: width, threads, signal });
  const values = found.values.map((_, j) => Math.sqrt(Math.max(0, found.values[width - 1 - j] as number)));
  const least = (values[0] as number) * SMALLEST;
  const vectors = new Float64Array(width * width);
  for (let j = 0; j < width; ++j) {
    vectors.set(found.vectors.subarray((width - 1 - j) * width, (width - j) * width), j * width);
  }
  return { values: values.map((value) => (value > least ? value : 0)), vectors };
}

/** X W / S: orthonormal columns that span those of X [rows][width]. */
async function rotate(x: Float32Array, rows: number, width: number, options: RandomizedSvdOptions) {
  const { values, vectors } = await gramEigen(x, rows, width, options);
  const turn = new Float32Array(width * width); // [column of the result][column of x]
  for (let j = 0; j < width; ++j) {
    const value = values[j] as number;
    if (value === 0) continue;
    for (let i = 0; i < width; ++i) turn[j * width + i] = (vectors[j * width + i] as number) / value;
  }
  const { threads, signal } = options;
  return { rows: await matmulAsync(x, turn, { m: rows, k: width, n: width, transposeB: true, threads, signal }) };
}
