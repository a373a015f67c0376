// Influence from gradients that are captured batch by batch and used as factors, never formed.
import { GradsiftError, mismatch, requireInteger, requireOneOf, show } from '../errors.js';
import { factoredGfim } from '../gradients/factored-gfim.js';
import { factoredDots, factoredNorms } from '../gradients/factored-products.js';
import { factoredSums } from '../gradients/factored-sums.js';
import type { FactoredLayer } from '../gradients/factored.js';
import type { GradientSource } from '../gradients/gradient-source.js';
import { openGradients } from '../gradients/open-gradients.js';
import { createCaptures, type Captures } from './captures.js';
import { dampingOf, keptSize, type LayerCurvature } from './curvature.js';
import { outcome, type LayerOutcome } from './estimator.js';
import { checkOptions, type Config, type InfluenceOptions } from './options.js';
import { precondition } from './precondition.js';
import { worstStatus, type InfluenceResult, type LayerRecord, type MethodResult } from './result.js';
import { topK } from './top-k.js';
import { backend } from '../native/backend.js';
import { VERSION } from '../version.js';

/** The methods that {@link factoredInfluence} knows. */
export const MODEL_METHODS = ['tracin', 'hyperinf', 'datainf'] as const;
type ModelMethod = (typeof MODEL_METHODS)[number];

type Shared =
  | 'damping'
  | 'dampingRatio'
  | 'side'
  | 'fisherScale'
  | 'gramPrecision'
  | 'solver'
  | 'schulz'
  | 'tolerance'
  | 'preset'
  | 'convention'
  | 'topK'
  | 'perLayerScores'
  | 'ids'
  | 'memoryBytes'
  | 'threads'
  | 'signal';

/** What {@link factoredInfluence} is doing, after each batch. */
export interface ModelProgress {
  readonly phase: 'queries' | 'fit' | 'score';
  /** Samples that a forward and backward pass, or kept factors, went through, of all that will. */
  readonly done: number;
  readonly total: number;
}

/** Options of {@link factoredInfluence}: those of influence where the names are the same. */
export interface FactoredInfluenceOptions extends Pick<InfluenceOptions, Shared> {
  /** Default ['hyperinf']. For the others write a store with writeGradients, and call influence. */
  readonly methods?: readonly ModelMethod[] | undefined;
  /** Samples in one forward and backward pass; default 32. */
  readonly batchSize?: number | undefined;
  readonly onProgress?: ((progress: ModelProgress) => void) | undefined;
}

/** One layer between the passes. */
interface LayerState {
  readonly name: string;
  readonly r: number;
  readonly d: number;
  /** The mean validation gradient, [r, d]. */
  readonly v: Float64Array;
  /** sum_i g_i' g_i or g_i g_i', scaled; for hyperinf. */
  readonly matrix: Float64Array;
  /** ||g_i||^2 and <v, g_i> of every training sample. */
  readonly norms: Float64Array;
  readonly alignments: Float64Array;
}

/**
 * Scores every training sample by its influence on the mean validation loss; no gradient of a sample is ever formed.
 *
 *   score(i) = - sum_l < v_l A_l^-1, g_{i,l} >_F      (hyperinf: A_l = (1/n) sum_i g_i' g_i + lambda_l I)
 *
 * The factors of the training gradients are kept within `memoryBytes`; beyond it, each pass computes them again.
 *
 * @throws GradsiftError as the sources; GRADSIFT_ARGUMENT naming the option; GRADSIFT_NON_FINITE naming layer and
 *   sample; the reason of `signal` when aborted
 */
export async function factoredInfluence(
  train: GradientSource,
  val: GradientSource,
  options: FactoredInfluenceOptions,
): Promise<InfluenceResult> {
  const started = performance.now();
  const { batchSize = 32, methods = ['hyperinf'] } = options;
  requireInteger('batchSize', batchSize, 1);
  if (Array.isArray(methods)) for (const method of methods) requireOneOf('methods', method, MODEL_METHODS);
  const { onProgress, ...rest } = options;
  const config = checkOptions({ ...rest, methods });
  if (config.solve.solver === 'woodbury') throw mismatch('GRADSIFT_ARGUMENT', 'solver', 'another', 'woodbury');
  if (options.ids !== undefined && !(Array.isArray(options.ids) && options.ids.length === train.samples)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'ids', `one for each of ${train.samples} samples`, options.ids);
  }
  const passes = methods.includes('datainf') ? 3 : methods.includes('hyperinf') ? 2 : 1;
  const report = progressReport(onProgress, val.samples + passes * train.samples);
  const { memoryBytes, signal } = config;
  const queries = createCaptures({ source: val, batchSize, memoryBytes: 0, signal });
  const means = await meanGradients(queries, config, (count) => report('queries', count));
  const captures = createCaptures({ source: train, batchSize, memoryBytes, signal });
  const states = await firstPass(captures, means, config, (count) => report('fit', count));
  const directions: Directions[] = [];
  for (const method of config.methods as readonly ModelMethod[]) {
    directions.push(await directionsOf(method, captures, states, config, (count) => report('fit', count)));
  }
  const own = await scorePass(captures, states, directions, config, (count) => report('score', count));
  return assemble(options, config, train.samples, states, directions, own, started);
}

function progressReport(onProgress: FactoredInfluenceOptions['onProgress'], total: number) {
  let done = 0;
  return (phase: ModelProgress['phase'], count: number) => {
    done += count;
    onProgress?.({ phase, done, total });
  };
}

type Count = (samples: number) => void;
type Mean = Pick<LayerState, 'name' | 'r' | 'd' | 'v'>;

/** v_l = (1/m) sum_j g_{j,l} over the validation samples. */
async function meanGradients(captures: Captures, { threads }: Config, count: Count): Promise<Mean[]> {
  let means: Mean[] = [];
  await captures.forEach((layers, start, samples) => {
    if (means.length === 0) means = layers.map(({ name, r, d }) => ({ name, r, d, v: new Float64Array(r * d) }));
    layers.forEach((layer, index) => {
      const { v } = means[index] as Mean;
      finiteNorms('val', layer, start, threads);
      const sum = factoredSums(layer, { threads });
      for (let j = 0; j < v.length; ++j) v[j]! += (sum[j] as number) / captures.samples;
    });
    count(samples);
  });
  return means;
}

/** ||g_i||^2 of a batch. @throws GRADSIFT_NON_FINITE naming layer and sample */
function finiteNorms(source: string, layer: FactoredLayer, start: number, threads: number | undefined): Float64Array {
  const norms = factoredNorms([layer], { threads });
  const bad = norms.findIndex((norm) => !Number.isFinite(norm));
  if (bad < 0) return norms;
  const place = `${source}: layer ${show(layer.name)}, sample ${start + bad}`;
  throw new GradsiftError('GRADSIFT_NON_FINITE', `${place}: its gradient holds NaN or infinity`);
}

/** What lambda, the curvature and the alignments need: one pass over the training samples. */
async function firstPass(
  captures: Captures,
  means: readonly Mean[],
  config: Config,
  count: Count,
): Promise<LayerState[]> {
  const { side, fisherScale, gramPrecision, threads } = config;
  const n = captures.samples;
  const hyperinf = config.methods.includes('hyperinf');
  const states = means.map((mean): LayerState => {
    const size = hyperinf ? keptSize(side, mean.r, mean.d) : 0;
    const [norms, alignments] = [new Float64Array(n), new Float64Array(n)];
    return { ...mean, matrix: new Float64Array(size * size), norms, alignments };
  });
  await captures.forEach((layers, start, samples) => {
    layers.forEach((layer, index) => {
      const { name, r, d, v, matrix, norms, alignments } = states[index] as LayerState;
      norms.set(finiteNorms('train', layer, start, threads), start);
      alignments.set(factoredDots([layer], { [name]: v }, { threads }), start);
      if (!hyperinf) return;
      const scale = 1 / (n * (fisherScale === '1/r' ? (side === 'columns' ? r : d) : 1));
      factoredGfim(layer, { side, scale, gramPrecision, out: matrix, threads });
    });
    count(samples);
  });
  return states;
}

/** What a method scores with: <h, g_i>, or the alignments that are known already when h is v. */
interface Directions {
  readonly method: ModelMethod;
  readonly layers: readonly { readonly h: Float64Array | null; readonly outcome: LayerOutcome }[];
  readonly passes: number;
}

function curvatureOf({ name, r, d, matrix, norms }: LayerState, side: Config['side']): LayerCurvature {
  const sumSquares = norms.reduce((sum, norm) => sum + norm, 0);
  return { name, r, d, size: keptSize(side, r, d), matrix, samples: norms.length, sumSquares };
}

async function directionsOf(
  method: ModelMethod,
  captures: Captures,
  states: readonly LayerState[],
  config: Config,
  count: Count,
): Promise<Directions> {
  if (method === 'hyperinf') return { method, layers: await hyperinf(states, config), passes: 2 };
  if (method === 'datainf') return { method, layers: await datainf(captures, states, config, count), passes: 3 };
  const tracin = outcome({ solver: 'none', why: 'no curvature: h = v' });
  return { method, layers: states.map(() => ({ h: null, outcome: tracin })), passes: 1 };
}

/** h_l = v_l (G_l + lambda_l I)^-1 */
async function hyperinf(states: readonly LayerState[], config: Config): Promise<Directions['layers']> {
  const { side, fisherScale, gramPrecision, damping, solve, preset, signal, threads } = config;
  const rows = states.map(({ name, r, d, v }) => [name, { rows: v, shape: [1, r, d] }] as const);
  const queries = await openGradients({ layers: Object.fromEntries(rows) }, { source: 'val' });
  const layers = states.map((state) => curvatureOf(state, side));
  const samples = (states[0] as LayerState).norms.length;
  const { solver, tolerance, alpha, steps } = solve;
  const chosen = preset ? { preset } : { solver, ...(solver === 'schulz' ? { schulz: { alpha, steps } } : {}) };
  const { layers: solved } = await precondition(
    { kind: 'gfim', side, fisherScale, gramPrecision, samples, layers },
    queries,
    {
      ...chosen,
      ...(damping.kind === 'absolute' ? { damping: damping.value } : { dampingRatio: damping.value }),
      tolerance,
      signal,
      threads,
    },
  );
  return states.map(({ name }) => {
    const { name: _name, r: _r, d: _d, h, ...rest } = solved.find((layer) => layer.name === name) as (typeof solved)[0];
    return { h, outcome: rest };
  });
}

/** h = (1/(n lambda)) sum_k ( v - g_k <v, g_k> / (lambda + ||g_k||^2) ): weights of a sum of gradients. */
async function datainf(
  captures: Captures,
  states: readonly LayerState[],
  config: Config,
  count: Count,
): Promise<Directions['layers']> {
  const n = captures.samples;
  const solver = 'closed form';
  const made = states.map((state) => {
    const lambda = dampingOf(config.damping, curvatureOf(state, config.side));
    const why = '(1/n) sum of rank-one inverses';
    if (lambda > 0) {
      const h = state.v.map((value) => value / lambda);
      return { lambda, h, outcome: outcome({ solver, why, damping: lambda }) };
    }
    const zero = state.norms.every((norm) => norm === 0);
    const status = zero ? 'skipped' : 'notPositiveDefinite';
    return { lambda, h: new Float64Array(state.v.length), outcome: outcome({ status, solver, why, damping: 0 }) };
  });
  await captures.forEach((layers, start, samples) => {
    layers.forEach((layer, index) => {
      const { lambda, h } = made[index] as (typeof made)[number];
      const { norms, alignments } = states[index] as LayerState;
      if (!(lambda > 0)) return;
      const weights = Float64Array.from({ length: samples }, (_, i) => {
        const [norm, alignment] = [norms[start + i] as number, alignments[start + i] as number];
        return alignment / (lambda + norm) / (n * lambda);
      });
      const sum = factoredSums(layer, { weights, threads: config.threads });
      for (let j = 0; j < h.length; ++j) h[j]! -= sum[j] as number;
    });
    count(samples);
  });
  return made;
}

/** [method][layer]: the scores of every sample. */
async function scorePass(
  captures: Captures,
  states: readonly LayerState[],
  directions: readonly Directions[],
  { convention, threads }: Config,
  count: Count,
): Promise<Float64Array[][]> {
  const sign = convention === 'proponent' ? 1 : -1;
  const own = directions.map(({ layers }) =>
    layers.map(({ h }, index) => {
      const { alignments } = states[index] as LayerState;
      return h === null ? alignments.map((value) => sign * value) : new Float64Array(captures.samples);
    }),
  );
  if (directions.every(({ layers }) => layers.every(({ h }) => h === null))) return own;
  await captures.forEach((batch, start, samples) => {
    batch.forEach((layer, index) => {
      directions.forEach(({ layers }, method) => {
        const { h } = layers[index] as Directions['layers'][number];
        if (h === null) return;
        const dots = factoredDots([layer], { [layer.name]: h }, { threads });
        (own[method]?.[index] as Float64Array).set(
          dots.map((value) => sign * value),
          start,
        );
      });
    });
    count(samples);
  });
  return own;
}

function assemble(
  options: FactoredInfluenceOptions,
  config: Config,
  samples: number,
  states: readonly LayerState[],
  directions: readonly Directions[],
  own: readonly Float64Array[][],
  started: number,
): InfluenceResult {
  const seconds = (performance.now() - started) / 1000;
  const methods = directions.map((direction, index) => {
    return [direction.method, methodResult(direction, own[index] as Float64Array[], states, config, seconds)] as const;
  });
  const { damping, preset, side, fisherScale, gramPrecision, convention } = config;
  const value = (kind: string) => (damping.kind === kind ? damping.value : null);
  const skipped = states.filter((_, index) =>
    directions.some(({ layers }) => layers[index]?.outcome.status === 'skipped'),
  );
  return {
    schema: 'gradsift/influence/1',
    convention,
    samples,
    ids: options.ids ?? null,
    queries: ['mean'],
    methods: Object.fromEntries(methods),
    options: { preset, side, fisherScale, gramPrecision, damping: value('absolute'), dampingRatio: value('ratio') },
    skipped: [],
    skippedLayers: skipped.map(({ name }) => name),
    unusedLayers: [],
    inputs: [],
    version: VERSION,
    isa: backend().isa,
    threads: config.threads ?? backend().threads,
    seconds,
  };
}

function methodResult(
  { layers, passes }: Directions,
  own: readonly Float64Array[],
  states: readonly LayerState[],
  config: Config,
  seconds: number,
): MethodResult {
  const scores = new Float64Array((states[0] as LayerState).norms.length);
  const sizes = own.map((list) => {
    list.forEach((value, i) => (scores[i]! += value));
    return list.reduce((sum, value) => sum + Math.abs(value), 0);
  });
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const records = states.map(({ name, r, d }, index): LayerRecord => {
    const scoresOwn = config.perLayerScores ? { scores: [own[index] as Float64Array] } : {};
    const share = all > 0 ? (sizes[index] as number) / all : 0;
    const found = (layers[index] as Directions['layers'][number]).outcome;
    return { name, shape: [scores.length, r, d], ...found, share, ...scoresOwn };
  });
  const top = { highest: topK(scores, config.topK), lowest: topK(scores, config.topK, { order: 'lowest' }) };
  return {
    status: worstStatus(records),
    scores: [scores],
    passes,
    layers: records,
    ...(config.topK > 0 ? { top: [top] } : {}),
    seconds,
  };
}
