import { hyperpowerPlan } from './hyperpower-solve.js';

/** What the choice looks at: sizes, and two numbers that bound the spectrum. */
export interface SolverQuestion {
  readonly n: number;
  readonly rhs: number;
  readonly damping: number;
  readonly tolerance: number;
  /** Of g: an upper bound of its largest eigenvalue. */
  readonly trace: number;
  /** Rows behind g, when they are at hand. */
  readonly rowCount: number | null;
}

/** The solvers that the choice knows to be worth it somewhere; schulz costs more than hyperpower everywhere. */
export type Choice = 'hyperpower' | 'cholesky' | 'woodbury' | 'cg';

/**
 * Speed of each kind of work, relative to a large float64 product, so that flops / rate compares solvers on any machine
 * of the kind. Measured by bench/solver-rates.mjs on one core with AVX-512 for n = 128 ... 1024 and rounded: the
 * candidates differ by factors, not by tenths.
 */
const RATES = {
  /** Symmetric products, n^3 flops each: 0.72 ... 0.9. */
  product: 0.85,
  /** Cholesky, whose products are ever smaller: 0.12 ... 0.46, growing with n. */
  factor: 0.3,
  /** Products with 16 rows, where each value of the matrix is used a few times only: 0.66 ... 1. */
  skinny: 0.65,
};

/** The cheapest solver by flops over rates, and the comparison in words. */
export function chooseSolver(question: SolverQuestion): { solver: Choice; why: string } {
  const costs = solverCosts(question).sort((x, y) => x.cost - y.cost);
  const [best, ...others] = costs as [{ solver: Choice; cost: number }, ...{ solver: Choice; cost: number }[]];
  const ratio = ({ solver, cost }: { solver: Choice; cost: number }) =>
    `${solver} ${(cost / best.cost).toPrecision(2)} x`;
  return { solver: best.solver, why: `least work by the cost model; ${others.map(ratio).join(', ')}` };
}

/** Flops over rates of each solver that comes into question; what is comparable with the flops of a large product. */
export function solverCosts({ n, rhs, damping, tolerance, trace, rowCount }: SolverQuestion) {
  const costs: { solver: Choice; cost: number }[] = [];
  const block = 2 * n * n * rhs;
  // Factor, solve, residual.
  costs.push({ solver: 'cholesky', cost: n ** 3 / 3 / RATES.factor + (2 * block) / RATES.skinny });
  if (!(damping > 0 && trace >= 0 && Number.isFinite(trace))) return costs;
  if (rowCount !== null) {
    const factor = rowCount ** 3 / 3 / RATES.factor + (2 * rowCount ** 2 * rhs) / RATES.skinny;
    const passes = (4 * 2 * rowCount * n * rhs) / RATES.skinny; // two for the solution, two for its residual
    costs.push({ solver: 'woodbury', cost: (rowCount ** 2 * n) / RATES.product + factor + passes });
  }
  const lambdaMax = trace + damping;
  // Conjugate gradients end after as many steps as there are different eigenvalues; 1.5: rounding delays that.
  const distinct = 1.5 * Math.min(n, rowCount ?? n);
  const chebyshev = (Math.sqrt(lambdaMax / damping) * Math.log(2 / Math.max(tolerance, 1e-16))) / 2;
  costs.push({ solver: 'cg', cost: ((Math.min(distinct, chebyshev) + 1) * block) / RATES.skinny });
  const plan = hyperpowerPlan({ n, rhs, lambdaMin: damping, lambdaMax, tolerance });
  const products = (plan.steps - 1) * n ** 3;
  costs.push({ solver: 'hyperpower', cost: products / RATES.product + (plan.flops - products) / RATES.skinny });
  return costs;
}
