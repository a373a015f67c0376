// What an algorithm of this family is: how it says in advance what it will need, and how it takes part in the passes.
import type { LayerInfo, RowBlock } from '../gradients/store.js';
import type { LayerCurvature } from './curvature.js';
import type { Operations } from './operations.js';
import type { Config, GramPrecision, MethodName } from './options.js';

/** Sizes that decide the work on a layer. Nothing here depends on the memory budget. */
export interface LayerShape {
  readonly name: string;
  /** Samples scored. */
  readonly samples: number;
  /** Samples that the curvature is a mean over; fewer when some are skipped. */
  readonly fitSamples: number;
  readonly r: number;
  readonly d: number;
  readonly queries: number;
  /** Bytes of one element as it is handed out. */
  readonly elementBytes: number;
  /** The curvature is at hand: loaded, or kept by an earlier run. */
  readonly loaded: boolean;
  /** Curvature and scores come from the same rows. */
  readonly sameRows: boolean;
}

/** One way to compute a method on a layer. */
export interface Candidate {
  /** For people and for the result: 'gfim', 'rows', 'gram' ... */
  readonly form: string;
  readonly solver: string;
  readonly why: string;
  /** All rows must lie in memory at once. */
  readonly needsRows: boolean;
  /** Passes over the rows; an upper bound where a recursion may stop early. */
  readonly passes: number;
  readonly flops: number;
  /** Matrices and scratch memory beside the rows, the queries and the scores. */
  readonly bytes: number;
  /** The shared matrix it needs, so that two methods pay for it once. */
  readonly shares?: 'gfim' | 'fisher' | undefined;
}

/** What a method asks of one pass over the rows of a layer. */
export interface RowVisitor {
  /** The rows that the curvature is formed from, or the rows that are scored. */
  readonly over: 'fit' | 'train';
  visit(block: RowBlock): Promise<void> | void;
}

/** Sums over the rows of `fit`, known after the first pass over them. */
export interface FitStatistics {
  /** ||g_i||^2 of each sample; null when the curvature was loaded. */
  readonly norms: Float64Array | null;
  /** sum_i ||g_i||^2 */
  readonly sumSquares: number;
}

export type OutcomeStatus =
  'ok' | 'stepLimit' | 'diverged' | 'stagnated' | 'notPositiveDefinite' | 'nonFinite' | 'skipped';

/** What became of one layer under one method, beside its scores. */
export interface LayerOutcome {
  readonly status: OutcomeStatus;
  /** lambda, all terms included; null for a method without damping. */
  readonly damping: number | null;
  readonly solver: string;
  readonly why: string;
  readonly steps: number;
  /** ||V - A H||_F / ||V||_F in float64; null where no such A is solved (tracin, datainf). */
  readonly residual: number | null;
  readonly lambdaMin: number | null;
  readonly lambdaMax: number | null;
  /** Textbook runs: eigenvalues well below 1 / (alpha 2^steps) got a constant gain instead of their inverse. */
  readonly muCutoff: number | null;
  readonly gramPrecision: GramPrecision | null;
}

/** One layer, as a method sees it while the passes run. */
export interface LayerTask {
  readonly layer: LayerInfo;
  readonly shape: LayerShape;
  readonly config: Config;
  readonly ops: Operations;
  /** Samples that the curvature is a mean over, the skipped ones left out. */
  readonly fitSamples: number;
  /** r d */
  readonly length: number;
  /** Query gradients V: [queries, r, d]. Not to be written to. */
  readonly v: Float64Array;
  /** null until the first pass over the rows of `fit` is over. */
  readonly statistics: () => FitStatistics | null;
  /** ||g_i||^2 of the samples of a block that is being visited, over 'fit'. */
  blockNorms(block: RowBlock): Float64Array;
  /** lambda by the caller's rule; null until it is known. */
  damping(): number | null;
  /** The shared curvature: a pass that forms it, or none when it is there already. */
  curvature(kind: 'gfim' | 'fisher'): AsyncGenerator<RowVisitor, LayerCurvature, void>;
}

/** Adds the scores of one block: <h_q, g_i> of its samples, signed by the convention. */
export type ScorePass = (h: Float64Array) => RowVisitor;

export interface Estimator {
  readonly name: MethodName;
  /** Ways to do it, best first. The first that fits the budget is taken. */
  candidates(shape: LayerShape, config: Config): readonly Candidate[];
  /** Yields each pass it needs; passes of all methods over the same rows share one read. */
  run(task: LayerTask, candidate: Candidate, score: ScorePass): AsyncGenerator<RowVisitor, LayerOutcome, void>;
}

/** An outcome with the fields that do not apply left null. */
export function outcome(fields: Partial<LayerOutcome> & Pick<LayerOutcome, 'solver' | 'why'>): LayerOutcome {
  return {
    status: 'ok',
    damping: null,
    steps: 0,
    residual: null,
    lambdaMin: null,
    lambdaMax: null,
    muCutoff: null,
    gramPrecision: null,
    ...fields,
  };
}

/** A layer that is left out: its gradients are all zero and so is its damping, so there is no matrix to invert. */
export function zeroLayer(candidate: Candidate): LayerOutcome {
  const why = 'all gradients of the layer are zero, and so is its damping: it contributes exactly 0';
  return outcome({ status: 'skipped', damping: 0, solver: candidate.solver, why });
}

/** A pass that a method sits out: it only waits for what the pass makes known (lambda). */
export const WAIT_FOR_FIT: RowVisitor = { over: 'fit', visit: () => undefined };
