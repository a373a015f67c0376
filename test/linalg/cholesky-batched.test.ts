// Batches of small matrices, which are factored side by side: choleskySolve up to n = 64, and choleskyInverse.
import { choleskyInverse, choleskyInverseAsync } from '../../lib/linalg/cholesky-inverse.js';
import { choleskySolve } from '../../lib/linalg/cholesky-solve.js';
import type { FloatArray } from '../../lib/native/binding.js';
import { array, bits, DTYPES, ISAS, restore, select, UNIT_ROUNDOFF, type Dtype } from './isas.js';
import {
  difference,
  fisher,
  logSpaced,
  multiply,
  norm,
  normals,
  secondDifferences,
  secondDifferencesInverse,
  thrownCode,
  U64,
  withSpectrum,
} from './matrices.js';

const KAPPA = 100;

/** `batch` matrices with spectra in [1 / KAPPA, 1], all different. */
function spectra(dtype: Dtype, n: number, batch: number): FloatArray {
  const all = array(dtype, new Float64Array(batch * n * n));
  for (let b = 0; b < batch; ++b) all.set(withSpectrum(logSpaced(n, KAPPA), b + 1), b * n * n);
  return all;
}

const item = (x: FloatArray, b: number, length: number) => x.slice(b * length, (b + 1) * length) as FloatArray;

/** ||I - A X||_F / sqrt(n) by plain loops in float64. */
function inverseResidual(a: FloatArray, x: FloatArray, n: number): number {
  let squares = 0;
  for (let j = 0; j < n; ++j) {
    const column = Array.from({ length: n }, (_, i) => x[i * n + j] as number);
    multiply(a, column, n).forEach((y, i) => (squares += ((i === j ? 1 : 0) - y) ** 2));
  }
  return Math.sqrt(squares / n);
}

describe.each(ISAS)('on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  describe.each(DTYPES)('%s', (dtype) => {
    const unit = UNIT_ROUNDOFF[dtype];
    const tolerance = dtype === 'f32' ? 1e-3 : 1e-10;

    // Sizes around the blocks of the kernels (2 and 4), up to 64 and above, where matrices are solved one by one;
    // batches that fill registers and that do not.
    test.each([
      [1, 3],
      [2, 17],
      [3, 16],
      [5, 9],
      [8, 33],
      [18, 20],
      [33, 5],
      [64, 3],
      [67, 2],
    ])('n = %i, batch %i: error of solutions and inverses within the bound of Cholesky', (n, batch) => {
      const a = spectra(dtype, n, batch);
      const rhs = 5;
      const exact = array(dtype, normals(7, batch * rhs * n));
      const v = array(dtype, new Float64Array(batch * rhs * n));
      for (let b = 0; b < batch; ++b) {
        for (let j = 0; j < rhs; ++j) {
          const at = (b * rhs + j) * n;
          v.set(multiply(item(a, b, n * n), exact.subarray(at, at + n), n), at);
        }
      }
      const solved = choleskySolve(a, v, { n, rhs, batch, tolerance });
      const inverted = choleskyInverse(a, { n, batch, tolerance });
      expect([solved.status, inverted.status]).toEqual(['ok', 'ok']);
      for (let b = 0; b < batch; ++b) {
        const [one, x, h] = [item(a, b, n * n), item(exact, b, rhs * n), item(solved.solution, b, rhs * n)];
        // Higham, theorem 10.4: (A + E) h = v, ||E|| <= 4 n (3 n + 1) u ||A||, and n u ||A|| of v itself; ||A|| = 1.
        const backward = (4 * n * (3 * n + 1) + n) * unit;
        expect(norm(difference(h, x))).toBeLessThanOrEqual(2 * KAPPA * backward * norm(x));
        const inverse = item(inverted.inverse, b, n * n);
        const residual = inverted.certificates[b]?.residual as number;
        // Each side of the comparison rounds n + 2 times, on |A| |X|.
        const roundings = 2 * (n + 2) * U64 * norm(one) * norm(inverse);
        expect(Math.abs(inverseResidual(one, inverse, n) - residual)).toBeLessThanOrEqual(roundings);
        expect(residual).toBeLessThanOrEqual(backward * norm(inverse));
        for (let i = 0; i < n; ++i) {
          for (let j = 0; j < i; ++j) expect(inverse[i * n + j]).toBe(inverse[j * n + i]);
        }
      }
    });

    test('a matrix has the bits that it has alone, wherever it lies; threads and the pool change nothing', async () => {
      const [n, rhs, batch] = [13, 3, 37];
      const a = spectra(dtype, n, batch);
      const v = array(dtype, normals(5, batch * rhs * n));
      const all = choleskySolve(a, v, { n, rhs, batch, threads: 1 });
      const inverses = choleskyInverse(a, { n, batch, threads: 1 });
      for (const b of [0, 1, 15, 16, 36]) {
        const one = choleskySolve(item(a, b, n * n), item(v, b, rhs * n), { n, rhs });
        expect(bits(one.solution).equals(bits(item(all.solution, b, rhs * n)))).toBe(true);
        expect(one.certificates[0]).toEqual(all.certificates[b]);
        const inverse = choleskyInverse(item(a, b, n * n), { n });
        expect(bits(inverse.inverse).equals(bits(item(inverses.inverse, b, n * n)))).toBe(true);
        expect(inverse.certificates[0]).toEqual(inverses.certificates[b]);
      }
      for (const threads of [2, 3, 7]) {
        expect(choleskySolve(a, v, { n, rhs, batch, threads })).toEqual(all);
        expect(choleskyInverse(a, { n, batch, threads })).toEqual(inverses);
      }
      expect(await choleskyInverseAsync(a, { n, batch })).toEqual(inverses);
    });

    test('bad matrices of a batch leave their neighbours alone; h may be v', () => {
      const [n, rhs, batch] = [12, 2, 20];
      const a = spectra(dtype, n, batch);
      const v = array(dtype, normals(6, batch * rhs * n));
      const good = choleskySolve(a, v, { n, rhs, batch, tolerance });
      const inverses = choleskyInverse(a, { n, batch, tolerance });
      a[3 * n * n + 14] = NaN; // in the lower triangle
      a[4 * n * n + 1] = Infinity; // above the diagonal
      a[17 * n * n + 5 * (n + 1)] = -1;
      v.fill(0, 9 * rhs * n, 10 * rhs * n);
      const expected = Array.from({ length: batch }, () => 'ok');
      expected[3] = expected[4] = 'nonFinite';
      expected[17] = 'notPositiveDefinite';
      const solved = choleskySolve(a, v, { n, rhs, batch, tolerance, out: v });
      const inverted = choleskyInverse(a, { n, batch, tolerance });
      expect(solved.certificates.map(({ status }) => status)).toEqual(expected);
      expect(inverted.certificates.map(({ status }) => status)).toEqual(expected);
      expect(solved.certificates[9]?.residual).toBe(0);
      const zeros = (length: number) => array(dtype, new Float64Array(length));
      for (let b = 0; b < batch; ++b) {
        const failed = expected[b] !== 'ok';
        const h = failed || b === 9 ? zeros(rhs * n) : item(good.solution, b, rhs * n);
        expect(bits(item(solved.solution, b, rhs * n)).equals(bits(h))).toBe(true);
        const x = failed ? zeros(n * n) : item(inverses.inverse, b, n * n);
        expect(bits(item(inverted.inverse, b, n * n)).equals(bits(x))).toBe(true);
      }
    });
  });
});

test.each([1, 2, 31, 64, 65, 97])('inverse of the second differences, n = %i: their closed form', (n) => {
  const { inverse, residual, status } = choleskyInverse(secondDifferences(n), { n });
  expect(status).toBe('ok');
  // ||X - A^-1||_F <= ||A^-1||_2 ||I - A X||_F, beside the roundings of the reference.
  const muMin = 2 - 2 * Math.cos(Math.PI / (n + 1));
  const exact = secondDifferencesInverse(n);
  expect(norm(difference(inverse, exact))).toBeLessThanOrEqual(
    (residual * Math.sqrt(n)) / muMin + 4 * U64 * norm(exact),
  );
});

test.each([40, 90])('damping is a larger diagonal; a rank-deficient matrix without is refused, n = %i', (n) => {
  const { g } = fisher(n, 10);
  const damped = choleskyInverse(g, { n, damping: 0.5 });
  const plain = choleskyInverse(
    g.map((x, at) => (at % (n + 1) === 0 ? x + 0.5 : x)),
    { n },
  );
  expect(damped.status).toBe('ok');
  expect(damped.lambdaMin).toBe(0.5);
  const bound = ((damped.residual + plain.residual + 4 * n * U64 * norm(g)) * Math.sqrt(n)) / 0.5;
  expect(norm(difference(damped.inverse, plain.inverse))).toBeLessThanOrEqual(bound);
  expect(choleskyInverse(g, { n }).status).not.toBe('ok');
});

test('choleskyInverse refuses what does not fit', () => {
  const a = secondDifferences(4);
  for (const [name, value] of Object.entries({ n: 0, batch: 1.5, damping: -1, tolerance: NaN, threads: 0 })) {
    expect([name, thrownCode(() => choleskyInverse(a, { n: 4, [name]: value }))]).toEqual([name, 'GRADSIFT_ARGUMENT']);
  }
  expect(thrownCode(() => choleskyInverse(a, { n: 5 }))).toBe('GRADSIFT_SHAPE');
  expect(thrownCode(() => choleskyInverse(a, { n: 4, out: new Float64Array(15) }))).toBe('GRADSIFT_SHAPE');
  expect(thrownCode(() => choleskyInverse(a, { n: 4, out: a }))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => choleskyInverse([1] as never, { n: 1 }))).toBe('GRADSIFT_DTYPE');
});
