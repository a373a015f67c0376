// What a caller may ask for, checked once, and turned into values without holes.
import { GradsiftError, mismatch, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import type { GradientStore } from '../gradients/store.js';
import type { Curvature } from './curvature.js';
import { PRESETS, type PresetName } from './presets.js';

/** The names of the methods, in the order in which results list them. */
export const METHODS = ['tracin', 'hyperinf', 'datainf', 'datainf-matrix', 'lissa', 'lissa-gfim', 'exact'] as const;
/** One of {@link METHODS}. */
export type MethodName = (typeof METHODS)[number];

/** The names of the solvers; 'auto' chooses for each layer by the work it costs, and the result says which. */
export const SOLVERS = ['auto', 'schulz', 'hyperpower', 'cholesky', 'woodbury', 'cg'] as const;
/** One of {@link SOLVERS}. */
export type SolverName = (typeof SOLVERS)[number];

export type Side = 'columns' | 'rows';
export type FisherScale = 'none' | '1/r';
export type GramPrecision = 'f64' | 'f32';
export type Convention = 'loss-derivative' | 'proponent';
export type QueryMode = 'mean' | 'each';

/** What a job is doing, after each block of rows. */
export interface Progress {
  readonly phase: 'audit' | 'queries' | 'fit' | 'score';
  readonly layer: string;
  /** Bytes of rows worked through, of all that the job will work through (rows kept in memory count each time). */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Damping lambda of every layer: lambda = damping, or dampingRatio x mean of all squared gradient entries. */
export interface DampingOptions {
  /** Absolute, >= 0, in units of the curvature. Excludes dampingRatio. */
  readonly damping?: number | undefined;
  /** c >= 0 in lambda = c sum_i ||g_i||^2 / (n d r); default 0.1. */
  readonly dampingRatio?: number | undefined;
}

/** Which curvature is formed from the rows. */
export interface CurvatureOptions {
  /**
   * 'columns' (default) keeps d: G = (1/n) sum g' g. 'rows' keeps r: G = (1/n) sum g g'. Another side is another
   * estimator.
   */
  readonly side?: Side | undefined;
  /**
   * '1/r' divides G by the length of the summed side, as in the paper's lemma; default 'none', as in the authors' code.
   */
  readonly fisherScale?: FisherScale | undefined;
  /** 'f64' (default), or 'f32': float32 tiles of a constant number of rows, merged in float64. */
  readonly gramPrecision?: GramPrecision | undefined;
}

/** How A = G + lambda I is applied to the queries. */
export interface SolverOptions {
  /** Default 'auto': the cheapest on this machine, with the reason in the result. */
  readonly solver?: SolverName | undefined;
  /** Textbook iteration of solver 'schulz': X_0 = alpha I and this many steps; default 5e-5 and 30, as the authors. */
  readonly schulz?: { readonly alpha?: number | undefined; readonly steps?: number | undefined } | undefined;
  /** Relative residual at which the iterative solvers stop, in (0, 1); default 1e-10. */
  readonly tolerance?: number | undefined;
  /** The authors' settings, exactly: see {@link PRESETS}. Excludes solver and schulz. */
  readonly preset?: PresetName | undefined;
}

/** The recursion r <- v + r - a (F r + lambda r), h = a r. */
export interface LissaOptions {
  /** Most recursions; default 5000, or 10 where the rows have to be read again for each. */
  readonly steps?: number | undefined;
  /** a > 0; default 1 / (upper bound of F's spectrum + lambda), which cannot diverge. */
  readonly stepSize?: number | undefined;
  /** Relative residual at which it stops, in (0, 1); default 0.01. 0 takes every step. */
  readonly tolerance?: number | undefined;
  /**
   * 'datainf': the authors' 10 steps with a = 1 and the wrong sign of lambda. Excludes the three above; `lissa` only.
   */
  readonly compat?: 'datainf' | undefined;
}

/** How rows are read. */
export interface RunOptions {
  /**
   * Samples with NaN or infinity: 'error' (default) names the first; 'skip' leaves them out of everything and lists
   * them.
   */
  readonly onNonFinite?: 'error' | 'skip' | undefined;
  /** Budget for rows, matrices and scratch memory; default 2 GiB. No result depends on it, bit for bit. */
  readonly memoryBytes?: number | undefined;
  /** Default: as many as the process may use. No result depends on it, bit for bit. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Options of {@link influence} and {@link planInfluence}. */
export interface InfluenceOptions extends DampingOptions, CurvatureOptions, SolverOptions, RunOptions {
  /** Per-sample gradients of the training samples to score. */
  readonly train: GradientStore;
  /** Per-sample gradients of the validation loss, with the layers of `train`. */
  readonly val: GradientStore;
  /** Samples that the curvature is formed from; default `train`. */
  readonly fitOn?: GradientStore | undefined;
  /** Default ['hyperinf']. */
  readonly methods?: readonly MethodName[] | undefined;
  readonly lissa?: LissaOptions | undefined;
  /** 'mean' (default): one query, the mean validation gradient. 'each': every validation sample is a query. */
  readonly queries?: QueryMode | undefined;
  /**
   * 'loss-derivative' (default): positive scores raise the validation loss (harmful). 'proponent' has the opposite
   * sign.
   */
  readonly convention?: Convention | undefined;
  /** Lists the k highest and k lowest samples of each query. */
  readonly topK?: number | undefined;
  /** Keeps the scores of every layer beside their sum. */
  readonly perLayerScores?: boolean | undefined;
  /** Names of the training samples, carried into the result. */
  readonly ids?: readonly (string | number)[] | undefined;
  /** Folder that keeps each finished layer, so that the same job continues after an interruption with equal bits. */
  readonly workDir?: string | undefined;
  /**
   * A curvature from {@link fit} or a file written by `saveCurvature`: hyperinf and lissa-gfim then read `train` once.
   */
  readonly loadCurvature?: Curvature | string | undefined;
  /** File to write the generalised Fisher matrices to. */
  readonly saveCurvature?: string | undefined;
}

/** Damping as one value: an absolute lambda or a ratio. */
export type Damping = { readonly kind: 'absolute' | 'ratio'; readonly value: number };

export interface SolverConfig {
  readonly solver: SolverName;
  readonly alpha: number;
  readonly steps: number;
  readonly tolerance: number;
  /** Added to lambda: the authors' 0.001. */
  readonly extraDamping: number;
  readonly precision: 'f64' | 'f32';
}

export interface LissaConfig {
  readonly steps: number | undefined;
  readonly stepSize: number | undefined;
  readonly tolerance: number;
  readonly compat: 'datainf' | undefined;
}

export interface CurvatureConfig {
  readonly side: Side;
  readonly fisherScale: FisherScale;
  readonly gramPrecision: GramPrecision;
}

export interface RunConfig {
  readonly onNonFinite: 'error' | 'skip';
  readonly memoryBytes: number;
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** Options of one job, checked and complete: what the plan and the estimators read. */
export interface Config extends CurvatureConfig, RunConfig {
  readonly methods: readonly MethodName[];
  readonly damping: Damping;
  readonly solve: SolverConfig;
  readonly lissa: LissaConfig;
  readonly lissaGfim: LissaConfig;
  readonly queries: QueryMode;
  readonly convention: Convention;
  readonly topK: number;
  readonly perLayerScores: boolean;
  readonly preset: PresetName | null;
  /** The matrices of the curvature are wanted for themselves: no solver may do without them. */
  readonly keepCurvature: boolean;
  /** The curvature comes from an earlier run: no pass forms it. */
  readonly curvatureLoaded: boolean;
}

export const DEFAULT_MEMORY_BYTES = 2 * 2 ** 30;

/** @throws GRADSIFT_ARGUMENT naming the option */
export function checkDamping({ damping, dampingRatio }: DampingOptions): Damping {
  if (damping !== undefined && dampingRatio !== undefined) {
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `damping, dampingRatio: expected one of them, got both (${damping} and ${dampingRatio})`,
    );
  }
  if (damping !== undefined) {
    requireNumber('damping', damping, 'a finite number >= 0', (value) => value >= 0);
    return { kind: 'absolute', value: damping };
  }
  const value = dampingRatio ?? 0.1;
  requireNumber('dampingRatio', value, 'a finite number >= 0', (ratio) => ratio >= 0);
  return { kind: 'ratio', value };
}

export function checkCurvatureOptions(options: CurvatureOptions, preset?: PresetName): CurvatureConfig {
  const { side = 'columns', fisherScale = 'none' } = options;
  const gramPrecision = options.gramPrecision ?? (preset ? PRESETS[preset].gramPrecision : 'f64');
  requireOneOf('side', side, ['columns', 'rows']);
  requireOneOf('fisherScale', fisherScale, ['none', '1/r']);
  requireOneOf('gramPrecision', gramPrecision, ['f64', 'f32']);
  return { side, fisherScale, gramPrecision };
}

const positive = (value: number) => value > 0;

export function checkSolver(options: SolverOptions): SolverConfig {
  const { preset, solver = 'auto', schulz = {}, tolerance = 1e-10 } = options;
  requireNumber('tolerance', tolerance, 'a number in (0, 1)', (value) => value > 0 && value < 1);
  if (preset !== undefined) {
    requireOneOf('preset', preset, Object.keys(PRESETS) as PresetName[]);
    for (const name of ['solver', 'schulz'] as const) {
      if (options[name] !== undefined) {
        throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: the preset '${preset}' sets it; give one or the other`);
      }
    }
    const { alpha, steps, extraDamping, precision } = PRESETS[preset];
    return { solver: 'schulz', alpha, steps, extraDamping, precision, tolerance };
  }
  requireOneOf('solver', solver, SOLVERS);
  if (options.schulz !== undefined && solver !== 'schulz') {
    throw mismatch('GRADSIFT_ARGUMENT', 'schulz', "to be absent unless solver is 'schulz'", options.schulz);
  }
  const { alpha = 5e-5, steps = 30 } = schulz;
  requireNumber('schulz.alpha', alpha, 'a number > 0', positive);
  requireInteger('schulz.steps', steps, 0, 10_000);
  return { solver, alpha, steps, tolerance, extraDamping: 0, precision: 'f64' };
}

function checkLissa(options: LissaOptions): LissaConfig {
  const { steps, stepSize, tolerance, compat } = options;
  if (compat !== undefined) {
    requireOneOf('lissa.compat', compat, ['datainf']);
    for (const name of ['steps', 'stepSize', 'tolerance'] as const) {
      if (options[name] !== undefined) {
        throw new GradsiftError(
          'GRADSIFT_ARGUMENT',
          `lissa.${name}: compat '${compat}' sets it; give one or the other`,
        );
      }
    }
    return { steps: 10, stepSize: 1, tolerance: 0, compat };
  }
  if (steps !== undefined) requireInteger('lissa.steps', steps, 1, 100_000_000);
  if (stepSize !== undefined) requireNumber('lissa.stepSize', stepSize, 'a number > 0', positive);
  const stop = tolerance ?? 0.01;
  requireNumber('lissa.tolerance', stop, 'a number in [0, 1)', (value) => value >= 0 && value < 1);
  return { steps, stepSize, tolerance: stop, compat: undefined };
}

export function checkRunOptions(options: RunOptions): RunConfig {
  const { onNonFinite = 'error', memoryBytes = DEFAULT_MEMORY_BYTES, threads, signal, onProgress } = options;
  requireOneOf('onNonFinite', onNonFinite, ['error', 'skip']);
  requireInteger('memoryBytes', memoryBytes, 1);
  if (threads !== undefined) requireInteger('threads', threads, 1, 1024);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw mismatch('GRADSIFT_ARGUMENT', 'onProgress', 'a function', onProgress);
  }
  return { onNonFinite, memoryBytes, threads, signal, onProgress };
}

function checkMethods(methods: unknown): readonly MethodName[] {
  if (!(Array.isArray(methods) && methods.length > 0)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'methods', `some of ${METHODS.join(', ')}`, methods);
  }
  const seen = new Set<MethodName>();
  for (const method of methods as unknown[]) {
    requireOneOf('methods', method, METHODS);
    if (seen.has(method)) throw mismatch('GRADSIFT_ARGUMENT', 'methods', 'each method once', method);
    seen.add(method);
  }
  return [...seen];
}

/** Every option but the stores and the files. @throws GRADSIFT_ARGUMENT naming the option */
export function checkOptions(options: Omit<InfluenceOptions, 'train' | 'val'>): Config {
  const { preset, queries = 'mean', convention = 'loss-derivative', topK = 0, perLayerScores = false } = options;
  const solve = checkSolver(options);
  requireOneOf('queries', queries, ['mean', 'each']);
  requireOneOf('convention', convention, ['loss-derivative', 'proponent']);
  requireInteger('topK', topK, 0);
  if (typeof perLayerScores !== 'boolean') {
    throw mismatch('GRADSIFT_ARGUMENT', 'perLayerScores', 'true or false', perLayerScores);
  }
  const methods = checkMethods(options.methods ?? ['hyperinf']);
  const curvature = checkCurvatureOptions(options, preset);
  if (solve.solver === 'woodbury' && curvature.side === 'rows') {
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      "solver 'woodbury': only for side 'columns' (n d rows of r never pay)",
    );
  }
  const keepCurvature = options.saveCurvature !== undefined || options.loadCurvature !== undefined;
  if (solve.solver === 'woodbury' && keepCurvature) {
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      "solver 'woodbury' works on rows: it has no curvature to save or load",
    );
  }
  const given = options.lissa ?? {};
  const lissa = checkLissa(options.lissa === undefined && preset ? (PRESETS[preset].lissa ?? {}) : given);
  const { compat, ...rest } = given;
  if (compat !== undefined && !methods.includes('lissa')) {
    throw mismatch('GRADSIFT_ARGUMENT', 'lissa.compat', "'lissa' among the methods", methods.join(', '));
  }
  const lissaGfim = checkLissa(options.lissa === undefined && preset ? (PRESETS[preset].lissaGfim ?? {}) : rest);
  return {
    ...curvature,
    ...checkRunOptions(options),
    methods,
    damping: checkDamping(options),
    solve,
    lissa,
    lissaGfim,
    queries,
    convention,
    topK,
    perLayerScores,
    preset: preset ?? null,
    keepCurvature,
    curvatureLoaded: options.loadCurvature !== undefined,
  };
}
