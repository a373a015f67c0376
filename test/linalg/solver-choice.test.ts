// The choice of solver 'auto' against times that bench/solver-auto.mjs measured once: no clock runs here.
import { readFileSync } from 'node:fs';
import { chooseSolver, conjugateSteps, gramCost, solverCosts } from '../../lib/linalg/solver-choice.js';
import type { SolverQuestion } from '../../lib/linalg/solver-choice.js';

interface Measured {
  readonly case: string;
  readonly asked: SolverQuestion & { readonly rowCount: number };
  /** Seconds that forming the matrix took. */
  readonly gram: number;
  /** Seconds of each solver; those that took too long are absent. */
  readonly peers: Readonly<Record<string, number>>;
  readonly steps: Readonly<Record<string, number>>;
}

const file = new URL('../../bench/results/2026-11-23-solver-auto.json', `file://${__filename}`);
const { results } = JSON.parse(readFileSync(file, 'utf8')) as { results: Measured[] };
const cases = results.map((measured) => [measured.case, measured] as const);
const ALLOWED = 1.3;

test.each(cases)('%s: within 1.3 x of the best, the matrix at hand', (_, { asked, peers }) => {
  const { solver } = chooseSolver(asked);
  expect(peers[solver]).toBeLessThanOrEqual(ALLOWED * Math.min(...Object.values(peers)));
});

test.each(cases)('%s: within 1.3 x of the best, from the rows on', (_, { asked, gram, peers }) => {
  const own = (solver: string) => (solver === 'woodbury' ? 0 : 1); // of forming the matrix
  const form = gramCost(asked.rowCount, asked.n, 'f64');
  const [first, ...others] = solverCosts(asked).map(({ solver, cost }) => ({
    solver,
    cost: cost + own(solver) * form,
  }));
  const chosen = others.reduce((a, b) => (a.cost <= b.cost ? a : b), first as { solver: string; cost: number });
  const seconds = (solver: string) => (peers[solver] as number) + own(solver) * gram;
  const best = Math.min(...Object.keys(peers).map(seconds));
  expect(seconds(chosen.solver)).toBeLessThanOrEqual(ALLOWED * best);
});

test('the table tells solvers apart: cholesky, woodbury and cg are each the best somewhere', () => {
  const best = results.map(({ peers }) => Object.entries(peers).sort(([, a], [, b]) => a - b)[0]?.[0]);
  expect(best).toEqual(expect.arrayContaining(['cholesky', 'woodbury', 'cg']));
});

test('steps of conjugate gradients are foreseen within a factor of two', () => {
  for (const { asked, steps } of results) {
    const expected = conjugateSteps(asked.trace / asked.damping, Math.min(asked.n, asked.rowCount), asked.tolerance);
    expect(steps['cg'] as number).toBeLessThanOrEqual(2 * expected);
    expect(steps['cg'] as number).toBeGreaterThanOrEqual(expected / 2);
  }
});
