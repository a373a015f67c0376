// What is Cholesky's own; the contract of all solvers is in solvers.test.ts.
import { choleskySolve } from '../../lib/linalg/cholesky-solve.js';
import { array, bits, DTYPES, ISAS, random, restore, select, UNIT_ROUNDOFF, type Dtype } from './isas.js';
import {
  difference,
  logSpaced,
  multiply,
  norm,
  normals,
  remainder,
  thrownCode,
  U64,
  withSpectrum,
} from './matrices.js';

/** Diagonally dominant, the spectrum within [0.4, 1.6] by Gershgorin; the upper triangle is a mirror. */
function dominant(dtype: Dtype, n: number) {
  const noise = random(dtype, n, n * n);
  const a = array(dtype, new Float64Array(n * n));
  for (let i = 0; i < n; ++i) {
    a[i * (n + 1)] = 1;
    for (let j = 0; j < i; ++j) a[i * n + j] = a[j * n + i] = (Math.sin(noise[i * n + j] as number) * 0.6) / n;
  }
  return a;
}

describe.each(ISAS)('choleskySolve on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  describe.each(DTYPES)('%s', (dtype) => {
    // Around one block of 64 and two; right-hand sides that ride along (up to n / 8) and more.
    test.each([
      [1, 1],
      [5, 2],
      [63, 7],
      [64, 8],
      [64, 9],
      [65, 3],
      [127, 40],
      [129, 16],
      [200, 25],
      [200, 300],
    ])('n = %i, %i right-hand sides: the residual of plain loops, within roundings', (n, rhs) => {
      const a = dominant(dtype, n);
      const v = random(dtype, 7, rhs * n);
      const { solution, status, residual } = choleskySolve(a, v, { n, rhs, tolerance: 0.5 });
      expect(status).toBe('ok');
      const left = norm(remainder(a, v, solution, n)) / norm(v);
      // |A - L L'| <= (n + 1) u |L| |L'|, and as much again for each substitution (Higham, theorem 10.4); ||A|| <= 1.6,
      // ||h|| <= ||v|| / 0.4, || |L| |L'| || <= n ||A||, of which sqrt(n) is far above what is seen.
      const bound = 4 * (n + 8) * UNIT_ROUNDOFF[dtype] * (1.6 / 0.4);
      expect(left).toBeLessThanOrEqual(bound);
      expect(Math.abs(left - residual)).toBeLessThanOrEqual(4 * (n + 8) * U64 * 4);
    });

    test('the same bits for 1, 2, 3 and 7 threads, where work is shared', () => {
      const n = 600;
      const a = dominant(dtype, n);
      for (const rhs of [5, 90]) {
        const v = random(dtype, 3, rhs * n);
        const one = bits(choleskySolve(a, v, { n, rhs, threads: 1 }).solution);
        for (const threads of [2, 3, 7]) {
          expect(bits(choleskySolve(a, v, { n, rhs, threads }).solution).equals(one)).toBe(true);
        }
      }
    });

    test.each([0, 70, 199])('a negative pivot in row %i, or NaN there, is an outcome', (row) => {
      const n = 200;
      const a = dominant(dtype, n);
      a[row * (n + 1)] = -1;
      const v = random(dtype, 1, n);
      expect(choleskySolve(a, v, { n, rhs: 1 }).status).toBe('notPositiveDefinite');
      a[row * (n + 1)] = NaN;
      expect(choleskySolve(a, v, { n, rhs: 1 }).status).toBe('nonFinite');
    });
  });

  test('of a, only the lower triangle is factored', () => {
    const n = 150;
    const a = dominant('f64', n);
    const v = normals(2, n);
    const expected = choleskySolve(a, v, { n, rhs: 1 });
    const skew = Float64Array.from(a, (x, at) => (at % n > Math.floor(at / n) ? 0 : x));
    // The residual is that of the matrix that was given; without refinement the solution is the same.
    expect(choleskySolve(skew, v, { n, rhs: 1, tolerance: 10 }).solution).toEqual(expected.solution);
  });
});

describe('precision mixed', () => {
  const n = 130;

  test.each([
    [1e2, 0],
    [1e4, 0],
    [1e11, 1],
  ])('kappa %p: the residual of float64, %i restarts', (kappa, restarts) => {
    const a = withSpectrum(logSpaced(n, kappa));
    const exact = normals(5, 3 * n);
    const v = new Float64Array(3 * n);
    for (let row = 0; row < 3 * n; row += n) v.set(multiply(a, exact.subarray(row, row + n), n), row);
    const tolerance = 1e-12;
    const mixed = choleskySolve(a, v, { n, rhs: 3, precision: 'mixed', tolerance });
    expect([mixed.status, mixed.restarts]).toEqual(['ok', restarts]);
    expect(mixed.residual).toBeLessThanOrEqual(tolerance);
    if (restarts === 0) {
      expect(mixed.refinements).toBeGreaterThan(0);
    } else {
      const plain = choleskySolve(a, v, { n, rhs: 3, tolerance });
      expect(mixed.solution).toEqual(plain.solution);
    }
  });

  test.each([1e-280, 1e-40, 1e40, 1e280])('a and v of size %p, outside of float32', (size) => {
    const a = withSpectrum(logSpaced(n, 100));
    const v = normals(6, n);
    const plain = choleskySolve(a, v, { n, rhs: 1 }).solution;
    const scaled = (x: Float64Array, by: number) => x.map((value) => value * by);
    for (const [matrix, right, by] of [
      [scaled(a, size), v, 1 / size],
      [a, scaled(v, size), size],
    ] as const) {
      const { status, restarts, solution } = choleskySolve(matrix, right, { n, rhs: 1, precision: 'mixed' });
      expect([status, restarts]).toEqual(['ok', 0]);
      // Both residuals are at most 1e-10, kappa = 100.
      const error = norm(difference(scaled(solution, 1 / by), plain));
      expect(error).toBeLessThanOrEqual(2 * 1e-10 * 100 * norm(plain));
    }
  });

  test('not for float32 arrays; other words are refused', () => {
    const code = (values: Float32Array | Float64Array, precision: unknown) =>
      thrownCode(() => choleskySolve(values, values, { n: 1, rhs: 1, precision: precision as 'mixed' }));
    expect(code(Float32Array.of(1), 'mixed')).toBe('GRADSIFT_ARGUMENT');
    for (const word of ['f32', '', null, 1]) expect(code(Float64Array.of(1), word)).toBe('GRADSIFT_ARGUMENT');
  });
});
