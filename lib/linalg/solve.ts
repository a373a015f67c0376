import { GradsiftError, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import type { Outcome } from '../native/calls.js';
import { requireFloat64, requireFloats } from './array-checks.js';
import type { Certificate } from './certificate.js';
import { cgSolveAsync } from './cg-solve.js';
import { choleskySolveAsync } from './cholesky-solve.js';
import { hyperpowerInverseAsync } from './hyperpower-inverse.js';
import { hyperpowerSolveAsync } from './hyperpower-solve.js';
import { matmulAsync } from './matmul.js';
import { chooseSolver } from './solver-choice.js';
import { solveResidualAsync } from './solve-residual.js';
import { woodburySolveAsync } from './woodbury-solve.js';

/** The solvers of {@link solveDamped}. 'schulz' is the textbook hyperpower iteration of the paper. */
export const SOLVERS = ['schulz', 'hyperpower', 'cholesky', 'woodbury', 'cg', 'auto'] as const;
export type Solver = (typeof SOLVERS)[number];

/** What carries the work: float64 throughout, float32 throughout, or float32 products refined in float64. */
export const PRECISIONS = ['f64', 'f32', 'mixed'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Gradient rows behind g: g = scale * sum of the outer products of the rows. */
export interface DampedRows {
  /** [count][n]: all r rows of all samples. */
  readonly data: Float32Array | Float64Array;
  readonly count: number;
  readonly scale: number;
}

/** Sizes, damping and solver of {@link solveDamped}. */
export interface SolveDampedOptions {
  /** Rows and columns of g. */
  readonly n: number;
  /** Right-hand sides in v. */
  readonly rhs: number;
  /** Added to the diagonal of g, >= 0. */
  readonly damping: number;
  /** Default 'auto': the cheapest by flops over measured rates; the certificate says which and why. */
  readonly solver?: Solver | undefined;
  /** 'schulz' only: the start alpha I; default 1 / ||g + damping I||_F. The authors use 5e-5. */
  readonly alpha?: number | undefined;
  /** 'schulz': exactly this many steps; default: until the tolerance. 'cg': at most this many. */
  readonly steps?: number | undefined;
  /**
   * Default 'f64'. Not every solver has every one: hyperpower takes 'f32' as 'mixed'; schulz takes 'mixed', cg and
   * woodbury take both, as 'f64'. The certificate says which was used.
   */
  readonly precision?: Precision | undefined;
  /** The residual to reach; default 1e-10, for 'f32' 1e-4. */
  readonly tolerance?: number | undefined;
  /** What 'woodbury' needs, and what lets 'auto' consider it. */
  readonly rows?: DampedRows | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly threads?: number | undefined;
}

/** The same for every solver; recorded for each layer of a result. */
export interface SolveCertificate {
  readonly solver: Exclude<Solver, 'auto'>;
  /** Why this solver: 'asked for', or what 'auto' compared. */
  readonly why: string;
  /** Iterations, or doublings of a hyperpower run; 0 for a direct solver. */
  readonly steps: number;
  /** Corrections by the float64 residual that followed. */
  readonly refinements: number;
  /** ||v - (g + damping I) h||_F / ||v||_F, recomputed in float64 from the given g. */
  readonly residual: number;
  readonly damping: number;
  readonly lambdaMin: number;
  readonly lambdaMax: number;
  readonly precision: Precision;
  readonly flops: number;
  /** 'schulz': eigenvalues well below 1 / (alpha 2^steps) get the gain alpha 2^steps, not 1 / mu; else null. */
  readonly muCutoff: number | null;
}

/** What {@link solveDamped} returns: the solution, how it was reached and how good it is. */
export interface DampedSolution {
  /** H, [rhs][n], one solution a row. */
  readonly solution: Float64Array;
  readonly certificate: SolveCertificate;
  /** 'ok' when the residual is at most the tolerance; see {@link SolveCertificate}. */
  readonly status: Outcome;
}

/**
 * Solves (g + damping I) h = v for each row of v by the solver asked for, or the cheapest.
 *
 * @param g n x n, symmetric positive semidefinite (a Fisher matrix); not written to
 * @param v [rhs][n]
 * @returns the solution, its certificate and an outcome; a numerical failure is an outcome, never a throw
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument; the signal's reason
 */
export async function solveDamped(
  g: Float64Array,
  v: Float64Array,
  options: SolveDampedOptions,
): Promise<DampedSolution> {
  const { n, rhs, damping, precision = 'f64' } = options;
  check(g, v, options);
  const tolerance = options.tolerance ?? (precision === 'f32' ? 1e-4 : 1e-10);
  const asked = options.solver ?? 'auto';
  const { solver, why } =
    asked === 'auto'
      ? chooseSolver({ n, rhs, damping, tolerance, trace: traceOf(g, n), rowCount: options.rows?.count ?? null })
      : { solver: asked, why: 'asked for' };
  const run = await RUNS[solver]({ ...options, g, v, precision, tolerance });
  const { steps, refinements, residual, lambdaMin, lambdaMax, flops } = run.certificate;
  const certificate: SolveCertificate = {
    ...{ solver, why, steps, refinements, residual, damping, lambdaMin, lambdaMax },
    ...{ precision: run.precision, flops, muCutoff: run.muCutoff ?? null },
  };
  return { solution: run.solution, certificate, status: run.certificate.status };
}

interface Problem extends SolveDampedOptions {
  readonly g: Float64Array;
  readonly v: Float64Array;
  readonly precision: Precision;
  readonly tolerance: number;
}

interface Run {
  readonly solution: Float64Array;
  readonly certificate: Certificate;
  readonly precision: Precision;
  readonly muCutoff?: number | null;
}

const RUNS: Readonly<Record<Exclude<Solver, 'auto'>, (problem: Problem) => Promise<Run>>> = {
  schulz: (problem) => (problem.precision === 'f32' ? schulzF32(problem) : schulz(problem, problem.g, problem.v)),
  hyperpower,
  cholesky: (problem) => (problem.precision === 'f32' ? choleskyF32(problem) : cholesky(problem)),
  woodbury,
  cg,
};

async function cholesky({ g, v, precision, ...options }: Problem): Promise<Run> {
  const used = precision === 'mixed' ? 'mixed' : 'f64';
  const { solution, ...certificate } = await choleskySolveAsync(g, v, { ...options, precision: used });
  return { solution, certificate, precision: used };
}

async function choleskyF32({ g, v, ...options }: Problem): Promise<Run> {
  const single = { ...options, precision: undefined };
  const { solution, ...certificate } = await choleskySolveAsync(new Float32Array(g), new Float32Array(v), single);
  return certified({ g, v, ...options }, new Float64Array(solution), certificate);
}

async function hyperpower({ g, v, precision, ...options }: Problem): Promise<Run> {
  const used = precision === 'f64' ? 'f64' : 'mixed';
  const { solution, ...certificate } = await hyperpowerSolveAsync(g, v, { ...options, precision: used });
  return { solution, certificate, precision: used };
}

async function cg({ g, v, ...options }: Problem): Promise<Run> {
  const { solution, ...certificate } = await cgSolveAsync(g, v, options);
  return { solution, certificate, precision: 'f64' };
}

async function woodbury({ v, rows, ...options }: Problem): Promise<Run> {
  if (rows === undefined) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', 'rows: expected the gradient rows that woodbury works on, got none');
  }
  const { data, count, scale } = rows;
  const { solution, ...certificate } = await woodburySolveAsync(data, v, { ...options, count, scale });
  return { solution, certificate, precision: 'f64' };
}

/** The paper's way: the inverse by textbook steps, in the type of a, then H = V X. */
async function schulz<Array extends Float32Array | Float64Array>(problem: Problem, a: Array, v: Array): Promise<Run> {
  const { n, rhs, damping, steps, signal, threads } = problem;
  const alpha = problem.alpha ?? 1 / frobeniusNorm(problem.g, n, damping);
  const usable = Number.isFinite(alpha) && alpha > 0;
  const { inverse, ...run } = await hyperpowerInverseAsync(a, {
    ...{ n, damping, method: 'textbook', steps, signal, threads },
    ...(usable ? { alpha } : {}),
    ...(steps === undefined ? { tolerance: problem.tolerance } : {}),
  });
  const product = await matmulAsync(v, inverse, { m: rhs, k: n, n, signal, threads });
  const flops = run.flops + 2 * n * n * rhs;
  const result = await certified(problem, new Float64Array(product), { ...run, flops });
  const muCutoff = usable ? 1 / (alpha * 2 ** run.steps) : null;
  return { ...result, precision: a.BYTES_PER_ELEMENT === 4 ? 'f32' : 'f64', muCutoff };
}

function schulzF32(problem: Problem): Promise<Run> {
  return schulz(problem, new Float32Array(problem.g), new Float32Array(problem.v));
}

/** The residual against the float64 matrix that was given, and what it says of a run that did not fail. */
async function certified(problem: Problem, solution: Float64Array, run: Certificate): Promise<Run> {
  const { g, v, n, rhs, damping, tolerance, signal, threads } = problem;
  const residual = await solveResidualAsync(g, v, solution, { n, rhs, damping, signal, threads });
  let { status } = run;
  if (status === 'ok' || status === 'stepLimit' || status === 'stagnated') {
    const missed = status === 'ok' ? 'stagnated' : status;
    status = residual <= tolerance ? 'ok' : missed;
  }
  return { solution, certificate: { ...run, status, residual }, precision: 'f32' };
}

function check(g: Float64Array, v: Float64Array, options: SolveDampedOptions): void {
  const { n, rhs, damping, solver = 'auto', precision = 'f64', tolerance, rows } = options;
  requireOneOf('solver', solver, SOLVERS);
  requireOneOf('precision', precision, PRECISIONS);
  requireInteger('n', n, 1);
  requireInteger('rhs', rhs, 1);
  requireNumber('damping', damping, 'a number >= 0', (value) => value >= 0);
  if (tolerance !== undefined) requireNumber('tolerance', tolerance, 'a number >= 0', (value) => value >= 0);
  requireFloat64('g', g, n * n);
  requireFloat64('v', v, rhs * n);
  if (rows === undefined) return;
  requireInteger('rows.count', rows.count, 1);
  requireNumber('rows.scale', rows.scale, 'a number > 0', (value) => value > 0);
  requireFloats('rows.data', rows.data, rows.count * n);
}

function traceOf(g: Float64Array, n: number): number {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += g[i * n + i] as number;
  return trace;
}

function frobeniusNorm(g: Float64Array, n: number, damping: number): number {
  let squares = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i * n; j < (i + 1) * n; j++) {
      const entry = (g[j] as number) + (j === i * n + i ? damping : 0);
      squares += entry * entry;
    }
  }
  return Math.sqrt(squares);
}
