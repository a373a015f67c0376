import { choleskySolve } from '../../lib/linalg/cholesky-solve.js';
import { woodburySolve, woodburySolveAsync, type WoodburyOptions } from '../../lib/linalg/woodbury-solve.js';
import { difference, fisher, norm, normals, remainder, thrownCode, U64 } from './matrices.js';

const N = 40;
const options = (count: number) => ({ count, n: N, rhs: 3, damping: 0.07, scale: 1 / count });

describe('woodburySolve', () => {
  // Fewer rows than columns, as many, and more (O9): the identity holds for all.
  test.each([1, 7, N - 1, N, N + 1, 90])('%i rows of 40 columns: the dense solution', (count) => {
    const { g, rows } = fisher(N, count);
    const v = normals(2, 3 * N);
    const { solution, status, residual, lambdaMax } = woodburySolve(rows, v, options(count));
    expect(status).toBe('ok');
    const dense = choleskySolve(g, v, { n: N, rhs: 3, damping: 0.07 });
    const bound = ((residual + dense.residual + 4 * count * U64 * norm(g)) * norm(v)) / 0.07;
    expect(norm(difference(solution, dense.solution))).toBeLessThanOrEqual(bound);
    const left = norm(remainder(g, v, solution, N, 0.07)) / norm(v);
    const roundings = 4 * (N + count) * U64 * (1 + ((norm(g) + 0.07) * norm(solution)) / norm(v));
    expect(Math.abs(left - residual)).toBeLessThanOrEqual(roundings);
    // The largest eigenvalue is at least the trace over the rank.
    const trace = g.reduce((sum, x, at) => sum + (at % (N + 1) === 0 ? x : 0), 0);
    expect(lambdaMax).toBeGreaterThanOrEqual(trace / Math.min(N, count));
  });

  test('float32 rows are read as they are, in float64', () => {
    const rows = Float32Array.from(fisher(N, 9).rows);
    const v = normals(2, 3 * N);
    const narrow = woodburySolve(rows, v, options(9));
    expect(narrow.status).toBe('ok');
    const wide = woodburySolve(Float64Array.from(rows), v, options(9));
    const bound = ((narrow.residual + wide.residual) * norm(v)) / 0.07;
    expect(norm(difference(narrow.solution, wide.solution))).toBeLessThanOrEqual(bound);
  });

  test.each([1e-3, 1e-6, 1e-9])('a small damping is refined: %p', (damping) => {
    const { rows } = fisher(N, 12);
    const tolerance = 1e-12;
    const refined = woodburySolve(rows, normals(4, 3 * N), { ...options(12), damping, tolerance });
    // H is as large as V / damping: its product with A is rounded in units of kappa.
    const floor = 12 * U64 * (refined.lambdaMax / damping);
    expect(refined.residual).toBeLessThanOrEqual(Math.max(tolerance, floor));
    expect(refined.status).toBe(refined.residual <= tolerance ? 'ok' : 'stagnated');
  });

  test('threads and the pool: the same bits; out may be v', async () => {
    const { rows } = fisher(N, 12);
    const v = normals(4, 3 * N);
    const one = woodburySolve(rows, v, { ...options(12), threads: 1 });
    expect(woodburySolve(rows, v, { ...options(12), threads: 4 })).toEqual(one);
    expect(await woodburySolveAsync(rows, v, options(12))).toEqual(one);
    expect(woodburySolve(rows, v, { ...options(12), out: v }).solution).toBe(v);
    expect(v).toEqual(one.solution);
  });

  test('outcomes: zeros in, NaN in, no damping', () => {
    const { rows } = fisher(N, 5);
    const zero = woodburySolve(rows, new Float64Array(3 * N), options(5));
    expect([zero.status, zero.residual]).toEqual(['ok', 0]);
    const plain = woodburySolve(new Float64Array(5 * N), normals(1, 3 * N), options(5));
    expect([plain.status, plain.residual <= 1e-15]).toEqual(['ok', true]); // no rows but zeros: H = V / damping
    const singular = woodburySolve(rows, normals(1, 3 * N), { ...options(5), damping: 0 });
    expect([singular.status, singular.residual]).toEqual(['notPositiveDefinite', 1]);
    for (const bad of [NaN, Infinity]) {
      const broken = rows.slice();
      broken[17] = bad;
      const { status, solution } = woodburySolve(broken, normals(1, 3 * N), options(5));
      expect(status).toBe('nonFinite');
      expect(solution).toEqual(new Float64Array(3 * N));
      const v = normals(1, 3 * N);
      v[0] = bad;
      expect(woodburySolve(rows, v, options(5)).status).toBe('nonFinite');
    }
  });

  test.each([
    ['count', 0, 'GRADSIFT_ARGUMENT'],
    ['n', '40', 'GRADSIFT_ARGUMENT'],
    ['rhs', NaN, 'GRADSIFT_ARGUMENT'],
    ['damping', -0.1, 'GRADSIFT_ARGUMENT'],
    ['damping', undefined, 'GRADSIFT_ARGUMENT'],
    ['scale', 0, 'GRADSIFT_ARGUMENT'],
    ['scale', Infinity, 'GRADSIFT_ARGUMENT'],
    ['tolerance', null, 'GRADSIFT_ARGUMENT'],
    ['count', 6, 'GRADSIFT_SHAPE'],
    ['rhs', 4, 'GRADSIFT_SHAPE'],
    ['out', new Float32Array(3 * N), 'GRADSIFT_DTYPE'],
  ])('refuses %s = %p', (name, value, code) => {
    const bad = { ...options(5), [name]: value } as unknown as WoodburyOptions;
    expect(thrownCode(() => woodburySolve(fisher(N, 5).rows, normals(1, 3 * N), bad))).toBe(code);
  });
});
