import { solveDamped, SOLVERS, type SolveDampedOptions } from '../../lib/linalg/solve.js';
import { chooseSolver } from '../../lib/linalg/solver-choice.js';
import { difference, fisher, norm, normals, remainder, U64 } from './matrices.js';

const N = 60;
const COUNT = 25;
const { g, rows } = fisher(N, COUNT);
const v = normals(4, 2 * N);
const OPTIONS = { n: N, rhs: 2, damping: 0.02, rows: { data: rows, count: COUNT, scale: 1 / COUNT } };

describe('solveDamped', () => {
  test.each(SOLVERS)('%s: one certificate, the residual that plain loops find', async (solver) => {
    const { solution, certificate, status } = await solveDamped(g, v, { ...OPTIONS, solver });
    expect(status).toBe('ok');
    expect(solver === 'auto' ? ['cholesky', 'woodbury'] : [solver]).toContain(certificate.solver); // a close call
    expect(certificate.why).toMatch(solver === 'auto' ? /hyperpower .* x/ : /^asked for$/);
    expect(certificate.damping).toBe(0.02);
    expect(certificate.lambdaMax).toBeGreaterThan(certificate.lambdaMin);
    expect(certificate.flops).toBeGreaterThan(0);
    const left = norm(remainder(g, v, solution, N, 0.02)) / norm(v);
    const roundings = 4 * (N + COUNT) * U64 * (1 + ((norm(g) + 0.02) * norm(solution)) / norm(v));
    expect(Math.abs(left - certificate.residual)).toBeLessThanOrEqual(roundings);
    expect(certificate.residual).toBeLessThanOrEqual(1e-10);
    expect(certificate.muCutoff === null).toBe(solver !== 'schulz');
  });

  test('auto: woodbury where the rows are few and at hand', async () => {
    const few = { data: rows.subarray(0, 2 * N), count: 2, scale: 0.5 };
    const { certificate } = await solveDamped(fisher(N, 2).g, v, { ...OPTIONS, rows: few });
    expect(certificate.solver).toBe('woodbury');
    const { certificate: dense } = await solveDamped(fisher(N, 2).g, v, { ...OPTIONS, rows: undefined });
    expect(dense.solver).toBe('cholesky');
  });

  test("the authors' setting: exactly so many steps, and the cutoff that follows", async () => {
    const options = { ...OPTIONS, solver: 'schulz', alpha: 5e-5, steps: 15, precision: 'f32' } as const;
    const { status, certificate } = await solveDamped(g, v, options);
    expect(status).toBe('stepLimit');
    expect(certificate).toMatchObject({ steps: 15, precision: 'f32', muCutoff: 1 / (5e-5 * 2 ** 15) });
    expect(certificate.residual).toBeGreaterThan(0.5);
  });

  test.each([
    ['schulz', 'f32', 'f32'],
    ['schulz', 'mixed', 'f64'],
    ['cholesky', 'f32', 'f32'],
    ['cholesky', 'mixed', 'mixed'],
    ['hyperpower', 'f32', 'mixed'],
    ['hyperpower', 'mixed', 'mixed'],
    ['cg', 'f32', 'f64'],
  ] as const)('%s in %s runs in %s', async (solver, precision, used) => {
    const { certificate } = await solveDamped(g, v, { ...OPTIONS, solver, precision, tolerance: 1e-3 });
    expect(certificate.precision).toBe(used);
    expect(certificate.residual).toBeLessThanOrEqual(1e-3);
  });

  test.each(SOLVERS)('%s: numerical failures are outcomes', async (solver) => {
    const broken = g.slice();
    broken[7] = NaN;
    const nan = { ...OPTIONS, rows: { ...OPTIONS.rows, data: rows.map((x, i) => (i === 3 ? NaN : x)) }, solver };
    const { status, solution } = await solveDamped(broken, v, nan);
    expect(status).toBe('nonFinite');
    expect(solution.every(Number.isFinite)).toBe(true);
    const singular = await solveDamped(g, v, { ...OPTIONS, solver, damping: 0 });
    expect(singular.status).not.toBe('ok');
    expect(singular.solution.every(Number.isFinite)).toBe(true);
    const zero = await solveDamped(g, new Float64Array(2 * N), { ...OPTIONS, solver });
    expect([zero.status, zero.certificate.residual]).toEqual(['ok', 0]);
  });

  test('all solvers agree', async () => {
    const results = await Promise.all(SOLVERS.map((solver) => solveDamped(g, v, { ...OPTIONS, solver })));
    const [first, ...others] = results as [(typeof results)[0], ...typeof results];
    for (const other of others) {
      const bound = ((first.certificate.residual + other.certificate.residual + N * U64 * norm(g)) * norm(v)) / 0.02;
      expect(norm(difference(first.solution, other.solution))).toBeLessThanOrEqual(bound);
    }
  });

  test.each([
    ['solver', 'lu', 'GRADSIFT_ARGUMENT'],
    ['precision', 'f16', 'GRADSIFT_ARGUMENT'],
    ['damping', NaN, 'GRADSIFT_ARGUMENT'],
    ['damping', undefined, 'GRADSIFT_ARGUMENT'],
    ['n', '60', 'GRADSIFT_ARGUMENT'],
    ['rhs', 3, 'GRADSIFT_SHAPE'],
    ['tolerance', -1, 'GRADSIFT_ARGUMENT'],
    ['rows', { data: rows, count: COUNT + 1, scale: 1 }, 'GRADSIFT_SHAPE'],
    ['rows', { data: rows, count: COUNT, scale: 0 }, 'GRADSIFT_ARGUMENT'],
  ])('refuses %s = %p', async (name, value, code) => {
    const options = { ...OPTIONS, [name]: value } as unknown as SolveDampedOptions;
    await expect(solveDamped(g, v, options)).rejects.toMatchObject({ code });
  });

  test('woodbury without rows is refused', async () => {
    const options = { n: N, rhs: 2, damping: 0.1, solver: 'woodbury' } as const;
    await expect(solveDamped(g, v, options)).rejects.toMatchObject({ code: 'GRADSIFT_ARGUMENT' });
  });

  test('rejects with the reason of the signal', async () => {
    const reason = new Error('enough');
    const promise = solveDamped(g, v, { ...OPTIONS, solver: 'cholesky', signal: AbortSignal.abort(reason) });
    await expect(promise).rejects.toBe(reason);
  });
});

describe('chooseSolver', () => {
  const question = { n: 1024, rhs: 1, damping: 0.01, tolerance: 1e-10, trace: 1024, rowCount: null };

  test('few rows: woodbury; many or none: cholesky; a well-conditioned matrix and one query: cg', () => {
    expect(chooseSolver({ ...question, rowCount: 200 }).solver).toBe('woodbury');
    expect(chooseSolver({ ...question, rowCount: 5000 }).solver).toBe('cholesky');
    expect(chooseSolver(question).solver).toBe('cholesky');
    expect(chooseSolver({ ...question, damping: 100, n: 4096, trace: 4096 }).solver).toBe('cg');
  });

  test('without a damping, or with a trace that is no number, only cholesky is sure of an outcome', () => {
    expect(chooseSolver({ ...question, damping: 0, rowCount: 10 }).solver).toBe('cholesky');
    expect(chooseSolver({ ...question, trace: NaN, rowCount: 10 }).solver).toBe('cholesky');
  });
});
