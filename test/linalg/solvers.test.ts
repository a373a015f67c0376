// One contract, one row for each solver of (A + damping I) H = V.
import { cgSolve, cgSolveAsync } from '../../lib/linalg/cg-solve.js';
import type { SolveOptions, SolveResult } from '../../lib/linalg/certificate.js';
import { choleskySolve, choleskySolveAsync } from '../../lib/linalg/cholesky-solve.js';
import { hyperpowerSolve, hyperpowerSolveAsync } from '../../lib/linalg/hyperpower-solve.js';
import { solveResidual } from '../../lib/linalg/solve-residual.js';
import {
  diagonal,
  difference,
  fisher,
  logSpaced,
  multiply,
  norm,
  normals,
  rankOneUpdate,
  remainder,
  secondDifferences,
  secondDifferencesInverse,
  thrownCode,
  U32,
  U64,
  withSpectrum,
} from './matrices.js';

type Floats = Float32Array | Float64Array;
interface Row {
  readonly name: string;
  readonly solve: <T extends Floats>(a: T, v: T, options: SolveOptions<T>) => SolveResult<T>;
  readonly solveAsync: <T extends Floats>(
    a: T,
    v: T,
    options: SolveOptions<T> & { signal?: AbortSignal },
  ) => Promise<SolveResult<T>>;
}

/** Float32 arrays have no narrower factor. */
const mixedFor = (a: Floats | null) => (a?.BYTES_PER_ELEMENT === 4 ? 'f64' : 'mixed');

const SOLVERS: readonly Row[] = [
  { name: 'choleskySolve', solve: choleskySolve, solveAsync: choleskySolveAsync },
  {
    name: 'choleskySolve mixed',
    solve: (a, v, options) => choleskySolve(a, v, { ...options, precision: mixedFor(a) }),
    solveAsync: (a, v, options) => choleskySolveAsync(a, v, { ...options, precision: mixedFor(a) }),
  },
  { name: 'cgSolve', solve: cgSolve, solveAsync: cgSolveAsync },
  { name: 'hyperpowerSolve f64', solve: hyperpowerSolve, solveAsync: hyperpowerSolveAsync },
  {
    name: 'hyperpowerSolve mixed',
    solve: (a, v, options) => hyperpowerSolve(a, v, { ...options, precision: 'mixed' }),
    solveAsync: (a, v, options) => hyperpowerSolveAsync(a, v, { ...options, precision: 'mixed' }),
  },
];

/** Sizes around the blocks of the native code: 64 (Cholesky), 40 (Lanczos), 192 (one thread). */
const SIZES = [1, 2, 3, 31, 32, 33, 40, 41, 64, 97, 193];

describe.each(SOLVERS)('$name', ({ solve, solveAsync }) => {
  test.each(SIZES)('tridiagonal with a known inverse, n = %i', (n) => {
    const a = secondDifferences(n);
    const v = normals(n, 3 * n);
    const { solution, status, residual } = solve(a, v, { n, rhs: 3 });
    expect(status).toBe('ok');
    expect(residual).toBeLessThanOrEqual(1e-10);
    // ||x - x*|| <= ||A^-1|| ||v - A x|| <= residual ||v|| / mu_min, mu_min = 2 - 2 cos(pi / (n + 1)); the
    // second term is the rounding of the reference product itself.
    const muMin = 2 - 2 * Math.cos(Math.PI / (n + 1));
    const inverse = secondDifferencesInverse(n);
    const bound = (residual * norm(v)) / muMin + (2 * n * U64 * norm(v)) / muMin;
    for (let row = 0; row < 3; ++row) {
      const expected = multiply(inverse, v.subarray(row * n, (row + 1) * n), n);
      expect(norm(difference(solution.subarray(row * n, (row + 1) * n), expected))).toBeLessThanOrEqual(bound);
    }
  });

  test('rank-one update of the identity', () => {
    const [n, a, b] = [50, 0.7, 0.3];
    const v = normals(5, n);
    const { solution, residual } = solve(rankOneUpdate(n, a, b), v, { n, rhs: 1 });
    const sum = v.reduce((x, y) => x + y);
    const expected = v.map((x) => (x - (b * sum) / (a + b * n)) / a);
    const bound = (residual * norm(v)) / a + (4 * n * U64 * norm(v)) / a;
    expect(norm(difference(solution, expected))).toBeLessThanOrEqual(bound);
  });

  test('the residual is the one that plain loops find, on the damped matrix', () => {
    const [n, rhs, damping] = [70, 5, 0.05];
    const { g } = fisher(n, 30);
    const v = normals(8, rhs * n);
    const result = solve(g, v, { n, rhs, damping });
    const left = norm(remainder(g, v, result.solution, n, damping)) / norm(v);
    // n + 2 roundings of |A| |h| + |v| a component, in both computations.
    const scale = ((norm(g) + damping) * norm(result.solution)) / norm(v) + 1;
    expect(Math.abs(left - result.residual)).toBeLessThanOrEqual(2 * (n + 2) * U64 * scale);
    expect(solveResidual(g, v, result.solution, { n, rhs, damping })).toBe(result.residual);
  });

  test.each([1e2, 1e4, 1e6])('log-spaced spectrum, kappa %p: the residual bounds the true error', (kappa) => {
    const n = 96;
    const a = withSpectrum(logSpaced(n, kappa));
    const exact = normals(11, n);
    const v = multiply(a, exact, n);
    const { solution, status, residual } = solve(a, v, { n, rhs: 1, tolerance: 1e-9 });
    expect(status).toBe('ok');
    // The spectrum and v are themselves rounded: n U64 ||A|| each, ||A|| = 1, and 1 / mu_min = kappa.
    const bound = kappa * (residual * norm(v) + 4 * n * U64 * norm(exact));
    expect(norm(difference(solution, exact))).toBeLessThanOrEqual(bound);
  });

  test('float32 arrays: solution of their type, residual in float64', () => {
    const n = 60;
    const a = Float32Array.from(secondDifferences(n), (x, at) => (at % (n + 1) === 0 ? x + 0.5 : x));
    const v = Float32Array.from(normals(2, 2 * n));
    const { solution, status, residual } = solve(a, v, { n, rhs: 2 });
    expect(status).toBe('ok');
    expect(Object.prototype.toString.call(solution)).toBe('[object Float32Array]');
    const left = norm(remainder(a, v, solution, n)) / norm(v);
    expect(Math.abs(left - residual)).toBeLessThanOrEqual(1e-12);
    // The default tolerance, which rounding allows: n roundings of ||A|| ||h|| <= kappa ||v||, spectrum in [0.5, 4.5].
    expect(n * 9 * U32).toBeLessThan(1e-4);
    expect(residual).toBeLessThanOrEqual(1e-4);
  });

  test('a batch gives each matrix its own certificate and the bits it has alone', () => {
    const n = 24;
    const kappas = [1, 10, 100, 1000];
    const a = new Float64Array(4 * n * n);
    kappas.forEach((kappa, i) => a.set(withSpectrum(logSpaced(n, kappa), i), i * n * n));
    const v = normals(4, 4 * 2 * n);
    const all = solve(a, v, { n, rhs: 2, batch: 4 });
    expect(all.certificates).toHaveLength(4);
    for (let i = 0; i < 4; ++i) {
      const one = solve(a.slice(i * n * n, (i + 1) * n * n), v.slice(i * 2 * n, (i + 1) * 2 * n), { n, rhs: 2 });
      expect(all.certificates[i]).toEqual(one.certificates[0]);
      expect(all.solution.slice(i * 2 * n, (i + 1) * 2 * n)).toEqual(one.solution);
    }
    expect(all.residual).toBe(Math.max(...all.certificates.map(({ residual }) => residual)));
  });

  test('one bad matrix of a batch leaves the others alone', () => {
    const n = 10;
    const a = new Float64Array(3 * n * n);
    for (const i of [0, 1, 2]) a.set(secondDifferences(n), i * n * n);
    a[n * n + 5] = NaN;
    const { certificates, status, solution } = solve(a, normals(1, 3 * n), { n, rhs: 1, batch: 3 });
    expect(certificates.map((one) => one.status)).toEqual(['ok', 'nonFinite', 'ok']);
    expect(status).toBe('nonFinite');
    expect(solution.every(Number.isFinite)).toBe(true);
    expect(solution.slice(n, 2 * n)).toEqual(new Float64Array(n));
  });

  test('the same bits for any number of threads, and from the pool', async () => {
    const [n, rhs] = [230, 7];
    const { g } = fisher(n, 60);
    const v = normals(6, rhs * n);
    const one = solve(g, v, { n, rhs, damping: 0.02, threads: 1 });
    for (const threads of [2, 5]) expect(solve(g, v, { n, rhs, damping: 0.02, threads })).toEqual(one);
    expect(await solveAsync(g, v, { n, rhs, damping: 0.02, threads: 3 })).toEqual(one);
  });

  test('damping is the same as a larger diagonal; a and v stay as they are', () => {
    const [n, damping] = [45, 0.25];
    const { g } = fisher(n, 20);
    const v = normals(9, n);
    const [g0, v0] = [g.slice(), v.slice()];
    const damped = solve(g, v, { n, rhs: 1, damping });
    expect(g).toEqual(g0);
    expect(v).toEqual(v0);
    const added = g.map((x, at) => (at % (n + 1) === 0 ? x + damping : x));
    const plain = solve(added, v, { n, rhs: 1 });
    const bound = ((damped.residual + plain.residual + 4 * n * U64 * norm(g)) * norm(v)) / damping;
    expect(norm(difference(damped.solution, plain.solution))).toBeLessThanOrEqual(bound);
  });

  test('out receives the solution, and may be v itself', () => {
    const n = 33;
    const a = secondDifferences(n);
    const v = normals(3, n);
    const expected = solve(a, v, { n, rhs: 1 }).solution;
    const out = new Float64Array(n);
    expect(solve(a, v, { n, rhs: 1, out }).solution).toBe(out);
    expect(out).toEqual(expected);
    expect(solve(a, v, { n, rhs: 1, out: v }).solution).toEqual(expected);
  });

  test('a right-hand side of zeros: solution 0, residual 0', () => {
    const n = 20;
    const { solution, residual, status } = solve(secondDifferences(n), new Float64Array(2 * n), { n, rhs: 2 });
    expect([residual, status]).toEqual([0, 'ok']);
    expect(solution).toEqual(new Float64Array(2 * n));
    // One zero row beside another leaves the other's digits alone.
    const v = new Float64Array(2 * n);
    v.set(normals(1, n));
    const mixed = solve(secondDifferences(n), v, { n, rhs: 2 });
    expect(mixed.status).toBe('ok');
    expect(mixed.solution.slice(n)).toEqual(new Float64Array(n));
  });

  test.each([1e-30, 1e-150, 1e30])('a right-hand side of size %p keeps its digits', (scale) => {
    const n = 20;
    const v = normals(1, n).map((x) => x * scale);
    const { residual, status, solution } = solve(secondDifferences(n), v, { n, rhs: 1 });
    expect(status).toBe('ok');
    expect(residual).toBeLessThanOrEqual(1e-10);
    expect(solution.every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
  });

  test.each([
    ['NaN in a', NaN, 1],
    ['Infinity in a', Infinity, 1],
    ['NaN in v', 0, NaN],
    ['-Infinity in v', 0, -Infinity],
  ])('%s: nonFinite and zeros', (_, inA, inV) => {
    const n = 12;
    const a = secondDifferences(n);
    if (inA !== 0) a[3 * n + 4] = inA;
    const v = normals(1, n);
    if (inV !== 1) v[5] = inV;
    const { status, solution } = solve(a, v, { n, rhs: 1 });
    expect(status).toBe('nonFinite');
    expect(solution).toEqual(new Float64Array(n));
  });

  test.each([
    ['one negative eigenvalue', withSpectrum([...logSpaced(29, 10), -0.5])],
    ['negative definite', secondDifferences(30).map((x) => -x)],
    ['all zeros', new Float64Array(900)],
  ])('%s is an outcome, and nothing in the result is NaN', (_, a) => {
    const { status, solution, residual } = solve(a, normals(1, 30), { n: 30, rhs: 1 });
    expect(status).not.toBe('ok');
    expect(solution.every(Number.isFinite)).toBe(true);
    expect(Number.isFinite(residual)).toBe(true);
  });

  test.each([60, 300])('damping 0 on a rank-deficient Fisher matrix of %i columns is reported', (n) => {
    const { g } = fisher(n, 20);
    const { status, solution, residual } = solve(g, normals(1, n), { n, rhs: 1 });
    expect(status).not.toBe('ok');
    expect(residual).toBeGreaterThan(0.1); // most of v lies outside the range of g
    expect(solution.every(Number.isFinite)).toBe(true);
  });

  test('a 1 x 1 matrix, and a scaled identity', () => {
    const half = solve(Float64Array.of(4), Float64Array.of(2), { n: 1, rhs: 1 });
    expect(Math.abs((half.solution[0] as number) - 0.5)).toBeLessThanOrEqual(0.5 * 1e-10 + 4 * U64);
    const n = 50;
    const v = normals(3, n);
    const { solution, status } = solve(diagonal(new Float64Array(n).fill(3e-8)), v, { n, rhs: 1 });
    expect(status).toBe('ok');
    expect(
      norm(
        difference(
          solution,
          v.map((x) => x / 3e-8),
        ),
      ),
    ).toBeLessThanOrEqual((1e-10 * norm(v)) / 3e-8);
  });

  test('cancels', async () => {
    const reason = new Error('enough');
    const n = 1500;
    const g = withDominantDiagonal(n);
    const controller = new AbortController();
    const running = solveAsync(g, normals(1, 64 * n), { n, rhs: 64, tolerance: 0, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 5);
    await expect(running).rejects.toBe(reason);
  });

  const good = { n: 4, rhs: 2 };
  test.each([
    ['n', NaN],
    ['n', 0],
    ['n', '4'],
    ['n', null],
    ['rhs', -0],
    ['rhs', 1.5],
    ['rhs', Infinity],
    ['batch', 0],
    ['batch', ''],
    ['damping', -1],
    ['damping', NaN],
    ['damping', Infinity],
    ['damping', '1'],
    ['tolerance', -1e-9],
    ['tolerance', NaN],
    ['threads', 0],
  ])('refuses %s = %p', (name, value) => {
    const options = { ...good, [name]: value } as unknown as SolveOptions<Float64Array>;
    expect(thrownCode(() => solve(secondDifferences(4), new Float64Array(8), options))).toBe('GRADSIFT_ARGUMENT');
  });

  test('refuses arrays that do not fit', () => {
    const a = secondDifferences(4);
    const v = new Float64Array(8);
    const cases: [string, () => unknown][] = [
      ['GRADSIFT_SHAPE', () => solve(a.slice(1), v, good)],
      ['GRADSIFT_SHAPE', () => solve(a, v.slice(1), good)],
      ['GRADSIFT_SHAPE', () => solve(a, v, { ...good, out: new Float64Array(7) })],
      ['GRADSIFT_DTYPE', () => solve(a, new Float32Array(8) as unknown as Float64Array, good)],
      ['GRADSIFT_DTYPE', () => solve([2] as unknown as Float64Array, v, good)],
      ['GRADSIFT_DTYPE', () => solve(null as unknown as Float64Array, v, good)],
      ['GRADSIFT_ARGUMENT', () => solve(a, v, { ...good, out: a.subarray(0, 8) })],
    ];
    for (const [code, call] of cases) expect(thrownCode(call)).toBe(code);
  });
});

/** Positive definite by Gershgorin, and cheap to make. */
function withDominantDiagonal(n: number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; ++i) {
    for (let j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = i === j ? 1 + i : 0.4 * Math.sin(i * j) * 0.01;
  }
  return a;
}
