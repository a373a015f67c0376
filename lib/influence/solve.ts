// H = V (G + lambda I)^-1 for a block of right-hand sides, by the solver that is asked for or by the cheapest one,
// always with the same certificate: the residual ||V - A H||_F / ||V||_F in float64 and bounds of the spectrum.
import { GradsiftError } from '../errors.js';
import { choleskySolve } from '../linalg/cholesky-solve.js';
import { solveDamped } from '../linalg/solve.js';
import { gramCost, solverCosts } from '../linalg/solver-choice.js';
import type { Candidate, OutcomeStatus } from './estimator.js';
import { isShortProduct, type Operations } from './operations.js';
import type { Config, SolverConfig, SolverName } from './options.js';

export type DenseSolver = Exclude<SolverName, 'auto' | 'woodbury'>;

/** A = matrix + damping I, order n, and what bounds its spectrum from above: trace(A). */
export interface DampedMatrix {
  readonly matrix: Float64Array;
  readonly n: number;
  readonly damping: number;
}

export interface Certificate {
  readonly status: OutcomeStatus;
  readonly steps: number;
  readonly residual: number;
  readonly lambdaMin: number;
  readonly lambdaMax: number;
  readonly muCutoff: number | null;
}

export interface Solved extends Certificate {
  /** One solution a row: [rhs, n]. */
  readonly solution: Float64Array;
}

/** The options that decide the cost of a solve. */
type PlanConfig = Pick<Config, 'damping' | 'solve' | 'gramPrecision'>;

/**
 * Upper bound of the condition number of A = G + lambda I that lambda = c trace(G) / (d r) gives; a guess otherwise.
 */
function conditionBound(n: number, summed: number, config: PlanConfig): number {
  return config.damping.kind === 'ratio' && config.damping.value > 0 ? 1 + (n * summed) / config.damping.value : 1e6;
}

/** Flops of a dense solve: matrix of order n, `rhs` right-hand sides. */
export function denseFlops(solver: DenseSolver, n: number, rhs: number, summed: number, config: PlanConfig): number {
  const { tolerance, steps } = config.solve;
  const root = Math.sqrt(conditionBound(n, summed, config)) * Math.log(2 / tolerance);
  switch (solver) {
    case 'cholesky':
      return n ** 3 / 3 + 6 * n * n * rhs;
    case 'hyperpower': {
      const doublings = Math.ceil(Math.log2(root / 2));
      return doublings * (n ** 3 + 2 * n * n * rhs) + 4 * n * n * rhs;
    }
    case 'schulz':
      return 4 * steps * n ** 3 + 4 * n * n * rhs;
    case 'cg':
      return Math.min(n, root / 2) * 2 * n * n * rhs;
  }
}

/** Scratch memory of a dense solve, the matrix itself not counted. */
export function denseBytes(solver: DenseSolver, n: number, rhs: number, summed: number, config: PlanConfig): number {
  const vectors = 8 * 4 * n * rhs;
  switch (solver) {
    case 'cholesky':
      return 8 * n * n + vectors;
    case 'hyperpower':
      return 8 * n * n * (2 + Math.ceil(Math.log2(Math.sqrt(conditionBound(n, summed, config)) * 16))) + vectors;
    case 'schulz':
      return 8 * 5 * n * n + vectors;
    case 'cg':
      return vectors;
  }
}

/** Sizes of a solve: G of order n from `rows` vectors, `rhs` right-hand sides. */
export interface SolveSizes {
  readonly n: number;
  readonly rhs: number;
  /** Rows of length n that G is the mean of: n_samples x summed side. */
  readonly rows: number;
  readonly summed: number;
  /** The matrix need not be formed. */
  readonly loaded: boolean;
}

/** The solve behind a method. */
export interface SolveShape extends SolveSizes {
  readonly form: string;
  readonly shares: 'gfim' | 'fisher';
  /** Passes of the dense form: 2, or 1 when the matrix is loaded. */
  readonly densePasses: number;
  readonly scoreFlops: number;
}

function denseCandidate(solver: DenseSolver, why: string, shape: SolveShape, config: Config): Candidate {
  const { n, rhs, rows, summed, loaded, form, shares, densePasses } = shape;
  return {
    form,
    solver,
    why,
    needsRows: false,
    passes: densePasses,
    flops: (loaded ? 0 : rows * n * n) + denseFlops(solver, n, rhs, summed, config) + shape.scoreFlops,
    bytes: denseBytes(solver, n, rhs, summed, config) + 8 * rhs * n,
    shares,
  };
}

/** Solvers by cost, least first, with what it takes to form the matrix that the dense ones work on. */
function costs({ n, rhs, rows, summed, loaded }: SolveSizes, config: PlanConfig, woodbury: boolean) {
  const condition = conditionBound(n, summed, config);
  const question = { n, rhs, damping: 1 / condition, trace: 1, tolerance: config.solve.tolerance, rowCount: rows };
  const gram = loaded ? 0 : gramCost(rows, n, config.gramPrecision);
  const compared = solverCosts(question)
    .filter(({ solver }) => woodbury || solver !== 'woodbury')
    .map(({ solver, cost }) => ({ solver, cost: solver === 'woodbury' ? cost : cost + gram }))
    .sort((a, b) => a.cost - b.cost);
  const [least, ...others] = compared as [(typeof compared)[number], ...typeof compared];
  const ratios = others.map(({ solver, cost }) => `${solver} ${(cost / least.cost).toPrecision(2)} x`);
  const why = `least work by the cost model${ratios.length > 0 ? `; ${ratios.join(', ')}` : ''}`;
  const dense = compared.find(({ solver }) => solver !== 'woodbury')?.solver as DenseSolver;
  return { least: least.solver, dense, why };
}

/** The solver for a matrix that is at hand: as asked, or the one with the least work. */
export function denseSolver(sizes: SolveSizes, config: PlanConfig): { solver: DenseSolver; why: string } {
  const { solver } = config.solve;
  if (solver !== 'auto' && solver !== 'woodbury') return { solver, why: 'as asked' };
  const { dense, why } = costs(sizes, config, false);
  return { solver: dense, why };
}

/** The ways to solve, best first: as asked, or by cost. */
export function solveCandidates(shape: SolveShape, config: Config, woodburyAllowed: boolean): Candidate[] {
  const { n, rhs, rows } = shape;
  const { solver } = config.solve;
  const woodbury: Candidate = {
    form: 'rows',
    solver: 'woodbury',
    why: 'as asked',
    needsRows: true,
    passes: 3,
    flops: rows * rows * n + rows ** 3 / 3 + 8 * rows * n * rhs + shape.scoreFlops,
    bytes: 8 * (2 * rows * rows + 2 * rows * rhs + 2 * n * rhs),
  };
  if (solver === 'woodbury') return [woodbury];
  if (solver !== 'auto') return [denseCandidate(solver, 'as asked', shape, config)];
  const { least, dense: best, why } = costs(shape, config, woodburyAllowed);
  const dense = denseCandidate(best, why, shape, config);
  if (!woodburyAllowed) return [dense];
  if (least === 'woodbury') {
    return [
      { ...woodbury, why },
      { ...dense, why: `${why}; but woodbury needs rows that do not fit the budget` },
    ];
  }
  return [dense, { ...woodbury, why: `${why}; but the matrix does not fit the budget` }];
}

function traceOf({ matrix, n, damping }: DampedMatrix): number {
  let trace = n * damping;
  for (let i = 0; i < n; ++i) trace += matrix[i * n + i] as number;
  return trace;
}

export const isZero = (values: Float64Array) => values.every((value) => value === 0);

/** Solves H A = V, one right-hand side a row. Never throws for a numerical outcome. */
export async function solveDense(
  ops: Operations,
  a: DampedMatrix,
  v: Float64Array,
  rhs: number,
  solver: DenseSolver,
  config: SolverConfig,
): Promise<Solved> {
  const { matrix, n, damping } = a;
  const lambdaMax = traceOf(a);
  const bounds = { lambdaMin: damping, lambdaMax, muCutoff: null };
  if (!Number.isFinite(lambdaMax)) {
    return { ...bounds, status: 'nonFinite', steps: 0, residual: NaN, solution: new Float64Array(v.length) };
  }
  if (isZero(v)) return { ...bounds, status: 'ok', steps: 0, residual: 0, solution: new Float64Array(v.length) };
  const { tolerance, alpha, steps, precision } = config;
  const common = { n, rhs, damping, tolerance, ...ops.settings };
  // A triangular solve does fewer flops in a second than a product does.
  if (solver === 'cholesky' && isShortProduct(4 * (n ** 3 / 3 + 6 * n * n * rhs))) {
    return { ...(await ops.call(true, () => choleskySolve(matrix, v, common), never)), muCutoff: null };
  }
  const textbook = solver === 'schulz' ? { alpha, steps, precision } : {};
  const { solution, certificate, status } = await ops.call(false, never, () =>
    solveDamped(matrix, v, { ...common, ...textbook, solver }),
  );
  return { ...certificate, status, solution };
}

function never(): never {
  throw new GradsiftError('GRADSIFT_NATIVE', 'solve: the other way was taken');
}

export function sumSquares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; ++i) sum += (values[i] as number) ** 2;
  return sum;
}
