import { eigh } from '../../lib/linalg/eigh.js';
import type { SparseRows } from '../../lib/linalg/sparse-product.js';
import { random, seeded } from '../../lib/random.js';
import { randomizedSvd, type RandomizedSvdOptions } from '../../lib/reweighting/randomized-svd.js';
import { gaussians } from './numbers.js';

const EPS32 = 2 ** -24;
const ROWS = 60;
const COLUMNS = 40;

/** A dense matrix as a sparse one, zeros left out. */
function sparse(x: ArrayLike<number>, rows: number, columns: number): SparseRows {
  const entries = Array.from(x, (value, at) => ({ value, i: Math.floor(at / columns), j: at % columns }));
  const kept = entries.filter(({ value }) => value !== 0);
  const starts = new Uint32Array(rows + 1);
  for (const { i } of kept) starts[i + 1]! += 1;
  for (let i = 0; i < rows; ++i) starts[i + 1]! += starts[i] as number;
  return {
    ...{ rows, columns, starts },
    indices: Uint32Array.from(kept, ({ j }) => j),
    values: Float32Array.from(kept, ({ value }) => value),
  };
}

/** A matrix of rank at most `values.length`, with scales given: a sum of rank-one matrices of float32 elements. */
function ofScales(scales: readonly number[]): Float32Array {
  const x = new Float64Array(ROWS * COLUMNS);
  scales.forEach((scale, r) => {
    const [u, v] = [gaussians(2 * r, ROWS), gaussians(2 * r + 1, COLUMNS)];
    for (let i = 0; i < ROWS; ++i) {
      for (let j = 0; j < COLUMNS; ++j) x[i * COLUMNS + j]! += scale * (u[i] as number) * (v[j] as number);
    }
  });
  return Float32Array.from(x);
}

/** Singular values and right vectors (as rows) by the eigenvalues of the Gram matrix in float64. */
function exact(x: Float32Array) {
  const gram = new Float64Array(COLUMNS * COLUMNS);
  for (let i = 0; i < ROWS; ++i) {
    for (let a = 0; a < COLUMNS; ++a) {
      for (let b = 0; b < COLUMNS; ++b) {
        gram[a * COLUMNS + b]! += (x[i * COLUMNS + a] as number) * (x[i * COLUMNS + b] as number);
      }
    }
  }
  return Array.from(eigh(gram, { n: COLUMNS }).values, (value) => Math.sqrt(Math.max(0, value))).reverse();
}

const decompose = (x: Float32Array, options: Partial<RandomizedSvdOptions> = {}) =>
  randomizedSvd(sparse(x, ROWS, COLUMNS), random(seeded(7)), {
    rank: 6,
    oversample: 8,
    powerIterations: 2,
    ...options,
  });

/** ||X - X V V'||, by the largest singular value of what is left. */
function leftOver(x: Float32Array, vectors: Float32Array, rank: number): number {
  const rest = Float32Array.from(x);
  for (let i = 0; i < ROWS; ++i) {
    const row = x.subarray(i * COLUMNS, (i + 1) * COLUMNS);
    for (let r = 0; r < rank; ++r) {
      const dot = row.reduce((sum, value, j) => sum + value * (vectors[j * rank + r] as number), 0);
      for (let j = 0; j < COLUMNS; ++j) rest[i * COLUMNS + j]! -= dot * (vectors[j * rank + r] as number);
    }
  }
  return exact(rest)[0] as number;
}

/**
 * Rounding of float32 products of length at most ROWS, and of orthonormal columns, relative to the norm; each of the
 * products adds one.
 */
const ROUNDING = 8 * ROWS * EPS32;

describe('the leading singular vectors', () => {
  test('of an exact rank: the values of the Gram matrix, nothing left over, zeros beyond', async () => {
    const x = ofScales([5, 3, 2, 1]);
    const values = exact(x);
    const found = await decompose(x);
    const norm = values[0] as number;
    for (let r = 0; r < 4; ++r) {
      expect(Math.abs((found.values[r] as number) - (values[r] as number))).toBeLessThan(ROUNDING * norm);
    }
    expect(leftOver(x, found.vectors, 6)).toBeLessThan(ROUNDING * norm);
    // Float32 elements of X are themselves rounded: a rank beyond 4 at that level may show.
    expect(found.values[4]).toBeLessThan(ROUNDING * norm);
  });

  test('orthonormal; a value of 0 has a column of zeros', async () => {
    const { values, vectors } = await decompose(
      Float32Array.from({ length: ROWS * COLUMNS }, (_, at) => (at % 7 ? 0 : 1)),
    );
    for (let a = 0; a < 6; ++a) {
      for (let b = 0; b <= a; ++b) {
        let dot = 0;
        for (let j = 0; j < COLUMNS; ++j) dot += (vectors[j * 6 + a] as number) * (vectors[j * 6 + b] as number);
        const expected = a === b && (values[a] as number) > 0 ? 1 : 0;
        expect(Math.abs(dot - expected)).toBeLessThan(ROUNDING);
      }
    }
  });

  test.each([0, 1, 2])('of a slowly falling spectrum, after %d steps: within the bound of theorem 10.6', async (q) => {
    const x = ofScales(Array.from({ length: 30 }, (_, r) => 1 / (1 + r)));
    const values = exact(x);
    const [k, p] = [6, 8];
    // E ||X - X Z Z'|| <= (1 + sqrt(k / (p - 1)) + e sqrt(k + p) / p sqrt(min(m, n) - k))^(1 / (2 q + 1)) s_(k+1), for
    // Z of k + p columns. Cut to its k best directions the rest is at most s_(k+1) more (theorem 9.3); twice the mean
    // is not exceeded by this seed.
    const factor = 1 + Math.sqrt(k / (p - 1)) + ((Math.E * Math.sqrt(k + p)) / p) * Math.sqrt(COLUMNS - k);
    const bound = (2 * factor ** (1 / (2 * q + 1)) + 1) * (values[k] as number);
    const found = await decompose(x, { powerIterations: q });
    expect(leftOver(x, found.vectors, k)).toBeLessThan(bound);
    // Values of a projection never exceed those of X, and fall short by at most what it leaves over (Weyl).
    found.values.forEach((value, r) => {
      expect(value).toBeLessThan((values[r] as number) + ROUNDING * (values[0] as number));
      expect(value).toBeGreaterThan((values[r] as number) - bound);
    });
  });

  test('the same bits for any number of threads; progress counts the products', async () => {
    const x = ofScales([3, 2, 1]);
    const seen: string[] = [];
    const one = await decompose(x, { threads: 1, onProduct: (done, of) => seen.push(`${done}/${of}`) });
    expect(seen).toEqual(['1/6', '2/6', '3/6', '4/6', '5/6', '6/6']);
    for (const threads of [2, 3, 7]) expect(await decompose(x, { threads })).toEqual(one);
  });
});
