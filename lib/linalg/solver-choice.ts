// The cost model behind solver 'auto': every solver is a few kinds of work, each at the rate that was measured for its
// size (solver-rates.ts). Nothing here looks at the matrix, so that a plan can choose before anything is read.
import { hyperpowerPlan } from './hyperpower-solve.js';
import { COUNTS, RATES, SIZES, type Work } from './solver-rates.js';

/** What the choice looks at: sizes, and two numbers that bound the spectrum. */
export interface SolverQuestion {
  readonly n: number;
  readonly rhs: number;
  readonly damping: number;
  readonly tolerance: number;
  /** Of g: an upper bound of its largest eigenvalue, and of the sum of them all. */
  readonly trace: number;
  /** Rows behind g, when they are at hand. */
  readonly rowCount: number | null;
}

export type Choice = 'schulz' | 'hyperpower' | 'cholesky' | 'woodbury' | 'cg';

/** The cheapest solver by the model, and the comparison in words. */
export function chooseSolver(question: SolverQuestion): { solver: Choice; why: string } {
  const costs = solverCosts(question).sort((x, y) => x.cost - y.cost);
  const [best, ...others] = costs as [{ solver: Choice; cost: number }, ...{ solver: Choice; cost: number }[]];
  const ratio = ({ solver, cost }: { solver: Choice; cost: number }) =>
    `${solver} ${(cost / best.cost).toPrecision(2)} x`;
  return { solver: best.solver, why: `least work by the cost model; ${others.map(ratio).join(', ')}` };
}

/** Flops over measured rates (GFLOP/s): nanoseconds on the machine of solver-rates.ts, comparable on its like. */
export function solverCosts({ n, rhs, damping, tolerance, trace, rowCount }: SolverQuestion) {
  const costs: { solver: Choice; cost: number }[] = [{ solver: 'cholesky', cost: choleskyCost(n, rhs) }];
  if (!(damping > 0 && trace >= 0 && Number.isFinite(trace))) return costs;
  if (rowCount !== null) costs.push({ solver: 'woodbury', cost: woodburyCost(rowCount, n, rhs) });
  const block = 2 * n * n * rhs;
  const steps = conjugateSteps(trace / damping, Math.min(n, rowCount ?? n), tolerance);
  costs.push({ solver: 'cg', cost: (steps * block) / rate('cgStep', n, rhs) + block / rate('block', n, rhs) });
  const lambdaMax = trace + damping;
  const plan = hyperpowerPlan({ n, rhs, lambdaMin: damping, lambdaMax, tolerance });
  const products = (plan.steps - 1) * n ** 3;
  const blocks = (plan.flops - products) / rate('block', n, rhs);
  costs.push({ solver: 'hyperpower', cost: products / rate('product', n, 1) + blocks });
  // Two full products a step; from 1 / ||A|| on, the residual's gap doubles with each, then its exponent.
  const doublings = Math.log2(lambdaMax / damping) + Math.log2(Math.log(1 / Math.max(tolerance, 1e-16)));
  costs.push({
    solver: 'schulz',
    cost: (4 * n ** 3 * doublings) / rate('product', n, 1) + block / rate('block', n, rhs),
  });
  return costs;
}

/** X'X of `rows` rows of length n; float32 products are twice as fast. */
export function gramCost(rows: number, n: number, precision: 'f64' | 'f32'): number {
  return (rows * n * n) / (rate('gram', n, 1) * (precision === 'f32' ? 2 : 1));
}

/** Factor, solve, residual. */
function choleskyCost(n: number, rhs: number): number {
  return (n ** 3 / 3 + 4 * n * n * rhs) / rate('cholesky', n, rhs);
}

/** M M', its factor and solve, and four passes over the rows: two for the solution, two for its residual. */
function woodburyCost(count: number, n: number, rhs: number): number {
  const flops = count ** 2 * n + count ** 3 / 3 + 2 * count ** 2 * rhs + 8 * count * n * rhs;
  return flops / rate('woodbury', count, rhs);
}

/**
 * Conjugate gradients remove the k largest eigenvalues in k steps and converge by Chebyshev's bound on the rest, which
 * are at most trace / (k + 1): for any k, steps <= k + sqrt(1 + trace / ((k + 1) damping)) ln(2 / tolerance) / 2. A
 * share of that for the best k, and no more than the distinct eigenvalues.
 */
export function conjugateSteps(ratio: number, distinct: number, tolerance: number): number {
  const digits = Math.log(2 / Math.max(tolerance, 1e-16)) / 2;
  const removed = Math.floor(((digits * Math.sqrt(ratio)) / 2) ** (2 / 3));
  const steps = removed + digits * Math.sqrt(1 + ratio / (removed + 1));
  return Math.min(distinct, SHARE_OF_BOUND * steps);
}

/** Steps taken of the bound's: 0.3 ... 0.75 on the grid of bench/solver-auto.mjs, whose spectra fall like 1/j. */
const SHARE_OF_BOUND = 0.42;

/** The rate of a kind of work, between measured sizes by straight lines on logarithmic scales, constant beyond them. */
function rate(work: Work, size: number, count: number): number {
  const table = RATES[work];
  const [i, u] = place(SIZES, size);
  const [j, w] = table[0]?.length === 1 ? [0, 0] : place(COUNTS, count);
  const value = (a: number, b: number) => Math.log(table[a]?.[b] ?? 1);
  const line = (a: number) => (w === 0 ? value(a, j) : (1 - w) * value(a, j) + w * value(a, j + 1));
  return Math.exp(u === 0 ? line(i) : (1 - u) * line(i) + u * line(i + 1));
}

/** Index of the last point <= x, and how far x lies towards the next, in logarithms. */
function place(points: readonly number[], x: number): [number, number] {
  const last = points.length - 1;
  const at = Math.max(
    0,
    points.findLastIndex((point) => point <= x),
  );
  if (at === last || x <= (points[0] as number)) return [at, 0];
  const [low, high] = [points[at] as number, points[at + 1] as number];
  return [at, Math.log(x / low) / Math.log(high / low)];
}
