import { GradsiftError, requireOneOf } from '../errors.js';
import type { Outcome } from '../native/calls.js';
import { choleskySolveAsync } from './cholesky-solve.js';

/** The solvers of {@link solveDamped}. 'schulz' is the textbook hyperpower iteration of the paper. */
export const SOLVERS = ['schulz', 'hyperpower', 'cholesky', 'woodbury', 'cg', 'auto'] as const;
export type Solver = (typeof SOLVERS)[number];

/** What carries the work: float64 throughout, float32 throughout, or float32 products refined in float64. */
export type Precision = 'f64' | 'f32' | 'mixed';

/** Gradient rows behind g: g = scale * sum of the outer products of the rows. */
export interface DampedRows {
  /** [count][n]: all r rows of all samples. */
  readonly data: Float32Array | Float64Array;
  readonly count: number;
  readonly scale: number;
}

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
  /** Default 'f64'. */
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
  readonly steps: number;
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
 */
export async function solveDamped(
  g: Float64Array,
  v: Float64Array,
  options: SolveDampedOptions,
): Promise<DampedSolution> {
  const { n, rhs, damping, solver = 'auto', tolerance, signal, threads } = options;
  requireOneOf('solver', solver, SOLVERS);
  if (solver !== 'auto' && solver !== 'cholesky') {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `solver: expected cholesky or auto for now, got ${solver}`);
  }
  const { solution, status, steps, residual, lambdaMin, lambdaMax, flops } = await choleskySolveAsync(g, v, {
    ...{ n, rhs, damping, tolerance, signal, threads },
  });
  const why = solver === 'auto' ? 'direct' : 'asked for';
  const certificate: SolveCertificate = {
    ...{ solver: 'cholesky', why, steps, residual, damping, lambdaMin, lambdaMax },
    ...{ precision: 'f64', flops, muCutoff: null },
  };
  return { solution, certificate, status };
}
