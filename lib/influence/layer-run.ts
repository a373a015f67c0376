// One layer through all methods. Each method is a generator that yields the pass it needs next; methods that wait for
// the same rows are served by one read.
import type { RowBlock } from '../gradients/store.js';
import { dampingOf, startGram, type Gram, type LayerCurvature } from './curvature.js';
import type {
  Estimator,
  FitStatistics,
  LayerOutcome,
  LayerShape,
  LayerTask,
  RowVisitor,
  ScorePass,
} from './estimator.js';
import { nonFinite, type LayerRows } from './layer-rows.js';
import type { Operations } from './operations.js';
import type { Config, MethodName } from './options.js';
import type { LayerPlan, MethodPlan } from './plan.js';

/** What the job hands to the run of one layer. */
export interface LayerJob {
  readonly plan: LayerPlan;
  readonly shape: LayerShape;
  readonly config: Config;
  readonly ops: Operations;
  readonly train: LayerRows;
  /** The rows that the curvature is formed from; the same object as `train` without fitOn. */
  readonly fit: LayerRows;
  readonly sources: { readonly train: string; readonly fit: string };
  /** Samples in the means, the skipped ones left out. */
  readonly fitSamples: number;
  readonly v: Float64Array;
  /** Loaded, or kept by an earlier run. */
  readonly curvature: LayerCurvature | null;
  /** Called when the generalised Fisher matrix of the layer is complete. */
  readonly onCurvature: (curvature: LayerCurvature) => Promise<void> | void;
  readonly onBlock: (phase: 'fit' | 'score', block: RowBlock) => void;
  /** Totals of each method, [queries, samples]: the layer's scores are added. */
  readonly totals: Readonly<Record<string, Float64Array>>;
  /** The layer's own scores of each method, [queries, samples], when they are kept. */
  readonly own: Readonly<Record<string, Float64Array>> | null;
}

export interface LayerResult extends LayerOutcome {
  /** Times the rows were read for the method. */
  readonly reads: number;
  readonly seconds: number;
  /** sum |score| over queries and samples. */
  readonly sumAbsolute: number;
}

interface Run {
  readonly method: MethodPlan;
  readonly steps: AsyncGenerator<RowVisitor, LayerOutcome, void>;
  readonly tally: { sums: number[]; seconds: number; passes: { fit: number; train: number } };
  pending: RowVisitor | undefined;
  outcome: LayerOutcome | undefined;
}

async function timed(run: Run, work: () => Promise<void> | void): Promise<void> {
  const from = performance.now();
  await work();
  run.tally.seconds += (performance.now() - from) / 1000;
}

async function advance(run: Run): Promise<void> {
  await timed(run, async () => {
    const { value, done } = await run.steps.next();
    run.pending = done === true ? undefined : value;
    if (done === true) run.outcome = value;
  });
}

/** Runs every method on the layer and adds its scores to the totals. */
export async function runLayer(
  job: LayerJob,
  estimators: Readonly<Record<MethodName, Estimator>>,
): Promise<Record<string, LayerResult>> {
  const { plan } = job;
  const statistics = fitStatistics(job);
  const task = layerTask(job, statistics);
  const runs = plan.methods.map((method) => {
    const tally = { sums: [], seconds: 0, passes: { fit: 0, train: 0 } };
    const score = scorePass(job, method.method, tally);
    const steps = estimators[method.method].run(task, method, score);
    return { method, steps, tally, pending: undefined, outcome: undefined };
  });
  try {
    for (const run of runs) await advance(run);
    for (;;) {
      const waiting = runs.filter((run) => run.pending !== undefined);
      if (waiting.length === 0) break;
      const served = job.shape.sameRows ? waiting : fitFirst(waiting);
      await servePass(job, served, statistics);
      for (const run of served) await advance(run);
    }
  } finally {
    for (const run of runs) if (run.pending !== undefined) await run.steps.return({} as LayerOutcome);
  }
  return Object.fromEntries(runs.map((run) => [run.method.method, layerResult(job, run)]));
}

/** With rows of their own to fit on, all fitting comes before the one pass that scores. */
function fitFirst(waiting: readonly Run[]): readonly Run[] {
  const fitting = waiting.filter(({ pending }) => pending?.over === 'fit');
  return fitting.length > 0 ? fitting : waiting;
}

function layerResult({ plan, shape }: LayerJob, { outcome, tally }: Run): LayerResult {
  const { fit, train } = tally.passes;
  const separate = Math.min(fit, 1) + Math.min(train, 1);
  const reads = plan.kept ? (shape.sameRows ? Math.min(fit + train, 1) : separate) : fit + train;
  return {
    ...(outcome as LayerOutcome),
    reads,
    seconds: tally.seconds,
    sumAbsolute: tally.sums.reduce((a, b) => a + b, 0),
  };
}

async function servePass(job: LayerJob, served: readonly Run[], statistics: Statistics): Promise<void> {
  const over = (served[0]?.pending as RowVisitor).over;
  const fitting = served.some(({ pending }) => pending?.over === 'fit');
  const rows = over === 'fit' ? job.fit : job.train;
  for (const { pending, tally } of served) tally.passes[(pending as RowVisitor).over] += 1;
  const isFit = job.shape.sameRows || over === 'fit';
  await rows.forEachBlock(async (block) => {
    await statistics.look(block, isFit);
    for (const run of served) await timed(run, () => (run.pending as RowVisitor).visit(block));
    job.onBlock(fitting ? 'fit' : 'score', block);
  });
  statistics.passDone(isFit);
}

interface Statistics {
  /** Norms of a block, and the refusal of bad numbers: once for the rows of each store. */
  look(block: RowBlock, isFit: boolean): Promise<void>;
  passDone(isFit: boolean): void;
  known(): FitStatistics | null;
  norms(): Float64Array;
}

function fitStatistics({ fit, train, config, ops, shape, curvature, sources }: LayerJob): Statistics {
  const length = shape.r * shape.d;
  const norms = new Float64Array(fit.layer.samples);
  const seen = { fit: false, train: false };
  let known: FitStatistics | null = curvature === null ? null : { norms: null, sumSquares: curvature.sumSquares };
  return {
    async look(block, isFit) {
      const which = isFit ? 'fit' : 'train';
      if (seen[which]) return;
      const target = isFit ? norms.subarray(block.start, block.start + block.samples) : new Float64Array(block.samples);
      await ops.rowNorms(block.rows, block.samples, length, target);
      if (config.onNonFinite === 'skip') return;
      const layer = (isFit ? fit : train).layer.name;
      for (let i = 0; i < target.length; ++i) {
        if (!Number.isFinite(target[i])) throw nonFinite(sources[which], layer, block.start + i);
      }
    },
    passDone(isFit) {
      const which = isFit ? 'fit' : 'train';
      if (seen[which]) return;
      seen[which] = true;
      if (!isFit || known !== null) return;
      let sumSquares = 0;
      for (let i = 0; i < norms.length; ++i) sumSquares += norms[i] as number;
      known = { norms, sumSquares };
    },
    known: () => known,
    norms: () => norms,
  };
}

function layerTask(job: LayerJob, statistics: Statistics): LayerTask {
  const { shape, config, ops, fitSamples, v, train, curvature, onCurvature } = job;
  const { r, d } = shape;
  const grams = new Map<string, { gram: Gram; done: LayerCurvature | undefined }>();
  async function* formed(kind: 'gfim' | 'fisher'): AsyncGenerator<RowVisitor, LayerCurvature, void> {
    if (kind === 'gfim' && curvature !== null) return curvature;
    let entry = grams.get(kind);
    const first = entry === undefined;
    if (entry === undefined) {
      const flat = { ...config, side: 'columns' as const, fisherScale: 'none' as const, r: 1, d: r * d, fitSamples };
      const gram = startGram(kind === 'gfim' ? { ...config, r, d, fitSamples } : flat, ops);
      entry = { gram, done: undefined };
      grams.set(kind, entry);
    }
    const { gram } = entry;
    yield first ? gram.visitor : { over: 'fit', visit: () => undefined };
    const { sumSquares } = statistics.known() as FitStatistics;
    const done = {
      name: train.layer.name,
      r,
      d,
      size: gram.size,
      matrix: gram.matrix,
      samples: fitSamples,
      sumSquares,
    };
    if (first && kind === 'gfim') await onCurvature(done);
    return done;
  }
  return {
    layer: train.layer,
    shape,
    config,
    ops,
    fitSamples,
    length: r * d,
    v,
    statistics: () => statistics.known(),
    blockNorms: ({ start, samples }) => statistics.norms().subarray(start, start + samples),
    damping() {
      const known = statistics.known();
      const { damping } = config;
      if (damping.kind === 'absolute') return damping.value;
      if (known === null) return null;
      return dampingOf(damping, { r, d, samples: curvature?.samples ?? fitSamples, sumSquares: known.sumSquares });
    },
    curvature: formed,
  };
}

/** Scores of a block: into the layer's own list if kept, and added to the total of the method. */
function scorePass(job: LayerJob, method: MethodName, tally: Run['tally']): ScorePass {
  const { config, ops, shape, totals } = job;
  const { queries, samples: n } = shape;
  const total = totals[method] as Float64Array;
  const ownScores = job.own?.[method];
  const alpha = config.convention === 'proponent' ? 1 : -1;
  const length = shape.r * shape.d;
  return (h) => {
    let scratch = new Float64Array(0);
    const visit = async ({ rows, start, samples: count }: RowBlock) => {
      if (scratch.length < queries * count) scratch = new Float64Array(queries * count);
      await ops.rowDots(rows, h, { count, length, queries, alpha, out: scratch, outStride: count });
      for (let q = 0; q < queries; ++q) {
        const own = scratch.subarray(q * count, (q + 1) * count);
        tally.sums[q] = addScores(own, total, q * n + start, tally.sums[q] ?? 0);
        ownScores?.set(own, q * n + start);
        await ops.turn();
      }
    };
    return { over: 'train', visit };
  };
}

/** total[at ...] += scores; `sum` and their magnitudes. One by one, so that the size of a block does not show. */
function addScores(scores: Float64Array, total: Float64Array, at: number, sum: number): number {
  for (let i = 0; i < scores.length; ++i) {
    const score = scores[i] as number;
    total[at + i]! += score;
    sum += Math.abs(score);
  }
  return sum;
}
