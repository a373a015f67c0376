import { GradsiftError, mismatch } from '../errors.js';
import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { backend } from '../native/backend.js';
import { VERSION } from '../version.js';
import { loadCurvature, saveCurvature } from './curvature-file.js';
import type { Curvature, LayerCurvature } from './curvature.js';
import { byteCounter } from './fit.js';
import { auditStore, openLayerRows, type LayerRows, type SkippedSample } from './layer-rows.js';
import { runLayer, type LayerJob, type LayerResult } from './layer-run.js';
import { matchLayers, type MatchedLayer } from './match-layers.js';
import { ESTIMATORS } from './methods.js';
import { createOperations, type Operations } from './operations.js';
import { checkOptions, type Config, type InfluenceOptions, type MethodName } from './options.js';
import { layerShape, planJob, type LayerPlan, type Plan } from './plan.js';
import { queryNames } from './precondition.js';
import { readQueries } from './queries.js';
import { readAhead, type RowsInTurn } from './read-ahead.js';
import { worstStatus, type InfluenceResult, type LayerRecord, type MethodResult } from './result.js';
import { splitQueries } from './score.js';
import { topK } from './top-k.js';
import { openWorkDir, storeFingerprint, type WorkDir } from './work-dir.js';

/** Samples left out, by the part that their store plays: stores in memory may share a name. */
type Skipped = Readonly<Record<'train' | 'val' | 'fitOn', readonly SkippedSample[]>>;

/** A job under way: everything that stays the same from layer to layer. */
interface Job {
  readonly stores: {
    readonly train: GradientStore;
    readonly val: GradientStore;
    readonly fitOn: GradientStore | undefined;
  };
  readonly config: Config;
  readonly ops: Operations;
  readonly matched: readonly MatchedLayer[];
  readonly plan: Plan;
  readonly skipped: Skipped;
  readonly workDir: WorkDir | null;
  readonly totals: Readonly<Record<string, Float64Array>>;
  readonly count: ReturnType<typeof byteCounter>;
}

type LayerOutput = {
  readonly results: Readonly<Record<string, LayerResult>>;
  readonly own: Readonly<Record<string, Float64Array>> | null;
};

/**
 * Scores every training sample by its influence on the validation loss, with any of the methods, layer by layer under a
 * memory budget:
 *
 *     score(q, i) = - sum_l < v_{q,l} A_l^-1, g_{i,l} >_F      (hyperinf: A_l = (1/n) sum_i g_i' g_i + lambda_l I)
 *
 * Positive scores raise the validation loss (harmful) unless `convention` says otherwise. Methods share each read of
 * the rows; a layer that fits the budget is read once. The result has the same bits for any number of threads and any
 * budget that admits the same forms (each layer's `solver` and `why` tell them).
 *
 * @param options stores of per-sample gradients [samples, r, d] with the same layers, and how to score: see
 *   {@link InfluenceOptions}
 * @returns scores per method and query, and for each layer the damping, solver, residual and bounds it was reached
 *   with. Numerical trouble is a status there, never an exception
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE (layers that do not match), GRADSIFT_NON_FINITE (file, layer
 *   and sample named), GRADSIFT_MEMORY (bytes needed and given), GRADSIFT_IO; the reason of `signal` when aborted
 */
export async function influence(options: InfluenceOptions): Promise<InfluenceResult> {
  const started = performance.now();
  const { config, stores, curvature } = await prepareJob(options);
  const ops = createOperations(config);
  const matched = matchLayers(stores.train, stores.val, stores.fitOn, curvature);
  const plan = planJob(stores, matched, config);
  const count = byteCounter(config, ...progressTotal(stores, matched, plan, config));
  const skipped = config.onNonFinite === 'skip' ? await auditAll(stores, matched, plan, ops, count) : NONE_SKIPPED;
  requireSamplesLeft(stores, skipped);
  const workDir = await openJobFolder(options, stores, matched, plan, config);
  const lists = plan.queries * plan.samples;
  const totals = Object.fromEntries(config.methods.map((method) => [method, new Float64Array(lists)]));
  const job: Job = { stores, config, ops, matched, plan, skipped, workDir, totals, count };
  const outputs: LayerOutput[] = [];
  const kept: LayerCurvature[] = [];
  const rows = readAhead((index, onKept) => openTrain(job, index, onKept));
  const keep = options.saveCurvature === undefined ? undefined : (layer: LayerCurvature) => void kept.push(layer);
  try {
    for (const index of matched.keys()) outputs.push(await processLayer(job, index, rows, keep));
  } finally {
    await rows.close();
  }
  if (options.saveCurvature !== undefined) {
    await saveCurvature(options.saveCurvature, gather(config, kept), config.signal);
  }
  return assemble(job, outputs, options, started);
}

const NONE_SKIPPED: Skipped = { train: [], val: [], fitOn: [] };

async function prepareJob(options: InfluenceOptions) {
  const { train, val, fitOn, ids } = options;
  requireStore('train', train);
  requireStore('val', val);
  if (fitOn !== undefined) requireStore('fitOn', fitOn);
  if (ids !== undefined && !(Array.isArray(ids) && ids.length === train.samples)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'ids', `one for each of ${train.samples} samples`, ids);
  }
  let config = checkOptions(options);
  const gfimMethods = config.methods.filter((method) => method === 'hyperinf' || method === 'lissa-gfim');
  for (const name of ['saveCurvature', 'loadCurvature'] as const) {
    if (options[name] === undefined || gfimMethods.length > 0) continue;
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: only hyperinf and lissa-gfim have such a curvature`);
  }
  const { loadCurvature: given } = options;
  if (given === undefined) return { config, stores: { train, val, fitOn }, curvature: undefined };
  for (const name of ['fitOn', 'saveCurvature'] as const) {
    if (options[name] === undefined) continue;
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `${name}: expected to be absent with loadCurvature, which is formed already`,
    );
  }
  const curvature = typeof given === 'string' ? await loadCurvature(given, config.signal) : given;
  const { side, fisherScale, gramPrecision } = curvature;
  for (const [name, value] of Object.entries({ side, fisherScale, gramPrecision })) {
    const asked = options[name as 'side'];
    if (asked !== undefined && asked !== value) {
      throw mismatch('GRADSIFT_ARGUMENT', name, `${value}, as the loaded curvature has it`, asked);
    }
  }
  config = { ...config, side, fisherScale, gramPrecision };
  return { config, stores: { train, val, fitOn }, curvature };
}

function requireStore(name: string, store: unknown): void {
  const given = store as Partial<GradientStore> | null | undefined;
  if (!(typeof given?.blocks === 'function' && Array.isArray(given.layers))) {
    throw mismatch('GRADSIFT_ARGUMENT', name, 'a gradient store (openGradients returns one)', store);
  }
}

function requireSamplesLeft(stores: Job['stores'], skipped: Skipped): void {
  for (const role of ['train', 'val', 'fitOn'] as const) {
    const store = stores[role];
    if (store === undefined || skipped[role].length < store.samples) continue;
    throw new GradsiftError('GRADSIFT_NON_FINITE', `${store.source}: every sample holds NaN or infinity, none is left`);
  }
}

/** The layers of all passes, and how often: for the progress. */
function progressTotal(
  stores: Job['stores'],
  matched: readonly MatchedLayer[],
  plan: Plan,
  config: Config,
): [LayerInfo[], number] {
  const layers = matched.flatMap(({ train, val, fit }, index) => {
    const { methods } = plan.layers[index] as LayerPlan;
    const passes = Math.max(...methods.map((method) => method.passes));
    const audits = config.onNonFinite !== 'skip' ? [] : stores.fitOn ? [train, val, fit] : [train, val];
    const working = stores.fitOn
      ? [...Array<LayerInfo>(passes - 1).fill(fit), train]
      : Array<LayerInfo>(passes).fill(train);
    return [...audits, val, ...working];
  });
  return [layers, 1];
}

async function auditAll(
  stores: Job['stores'],
  matched: readonly MatchedLayer[],
  plan: Plan,
  ops: Operations,
  count: Job['count'],
) {
  const blockSamples = new Map<LayerInfo, number>();
  matched.forEach(({ train, val, fit }, index) => {
    const { blockSamples: rows, valBlockSamples } = plan.layers[index] as LayerPlan;
    blockSamples.set(val, valBlockSamples).set(fit, rows).set(train, rows);
  });
  const audit = (store: GradientStore, layers: LayerInfo[]) =>
    auditStore(
      store,
      layers,
      (layer) => blockSamples.get(layer) ?? 1,
      ops,
      (layer, samples) => count('audit', layer, samples),
    );
  const train = await audit(
    stores.train,
    matched.map((layer) => layer.train),
  );
  const val = await audit(
    stores.val,
    matched.map((layer) => layer.val),
  );
  const fitOn = stores.fitOn
    ? await audit(
        stores.fitOn,
        matched.map((layer) => layer.fit),
      )
    : [];
  return { train, val, fitOn };
}

/** The options that decide the numbers: a work folder of others is stale. Threads and the budget change no bit. */
const DECISIVE = [
  'methods',
  'damping',
  'solve',
  'lissa',
  'lissaGfim',
  'side',
  'fisherScale',
  'gramPrecision',
  'queries',
  'convention',
  'onNonFinite',
] as const satisfies readonly (keyof Config)[];

async function openJobFolder(
  { workDir }: InfluenceOptions,
  stores: Job['stores'],
  matched: readonly MatchedLayer[],
  plan: Plan,
  config: Config,
): Promise<WorkDir | null> {
  if (workDir === undefined) return null;
  if (!(typeof workDir === 'string' && workDir !== ''))
    throw mismatch('GRADSIFT_ARGUMENT', 'workDir', 'a folder', workDir);
  const { signal } = config;
  const blocks = () => Math.min(...plan.layers.map(({ blockSamples }) => blockSamples));
  const { train, val, fitOn } = stores;
  const loaded = matched.some(({ curvature }) => curvature !== null);
  return openWorkDir(
    workDir,
    {
      version: VERSION,
      isa: backend().isa,
      train: await storeFingerprint(train, blocks, signal),
      val: await storeFingerprint(val, blocks, signal),
      fitOn: fitOn ? await storeFingerprint(fitOn, blocks, signal) : null,
      loadCurvature: loaded ? matched.map(({ curvature }) => [curvature?.samples, curvature?.sumSquares]) : null,
      options: Object.fromEntries(DECISIVE.map((name) => [name, config[name]])),
      forms: plan.layers.map((layer) => layer.methods.map(({ form, solver }) => [form, solver])),
    },
    signal,
  );
}

function skipOf(job: Job, role: keyof Skipped): ReadonlySet<number> {
  return new Set(job.skipped[role].map(({ sample }) => sample));
}

function openTrain(job: Job, index: number, onKept: () => void): LayerRows {
  const { blockSamples, readsAhead } = job.plan.layers[index] as LayerPlan;
  const { signal } = job.config;
  const options = { blockSamples, skip: skipOf(job, 'train'), signal, onKept: readsAhead ? onKept : undefined };
  return openLayerRows(job.stores.train, (job.matched[index] as MatchedLayer).train, options);
}

/** One layer: taken from the work folder if it is finished there, else computed and kept there. */
async function processLayer(
  job: Job,
  index: number,
  rows: RowsInTurn,
  keep: ((layer: LayerCurvature) => void) | undefined,
): Promise<LayerOutput> {
  const { config, totals, plan, workDir } = job;
  const needsOwn = config.perLayerScores || workDir !== null;
  const finished = (await workDir?.finished(index)) ?? null;
  if (finished !== null) {
    for (const method of config.methods) {
      const [total, own] = [totals[method] as Float64Array, finished.scores[method] as Float64Array];
      for (let i = 0; i < total.length; ++i) total[i]! += own[i] as number;
    }
    if (keep) for (const layer of (await workDir?.curvature(index))?.layers ?? []) keep(layer);
    return { results: finished.results, own: finished.scores };
  }
  const size = plan.queries * plan.samples;
  const own = needsOwn ? Object.fromEntries(config.methods.map((method) => [method, new Float64Array(size)])) : null;
  const results = await computeLayer(job, index, rows, own, keep);
  if (own !== null) await workDir?.keepFinished(index, { results, scores: own });
  return { results, own };
}

async function computeLayer(
  job: Job,
  index: number,
  rows: RowsInTurn,
  own: Readonly<Record<string, Float64Array>> | null,
  keep: ((layer: LayerCurvature) => void) | undefined,
): Promise<Record<string, LayerResult>> {
  const { stores, config, ops, totals, workDir, count } = job;
  const { train, val, fitOn } = stores;
  const layer = job.matched[index] as MatchedLayer;
  const plan = job.plan.layers[index] as LayerPlan;
  const skipVal = skipOf(job, 'val');
  const skipFit = skipOf(job, fitOn === undefined ? 'train' : 'fitOn');
  const { signal, queries: mode } = config;
  const onBlock = (samples: number) => count('queries', layer.val, samples);
  const v = await readQueries(val, layer.val, ops, {
    mode,
    blockSamples: plan.valBlockSamples,
    skip: skipVal,
    onBlock,
  });
  const kept = layer.curvature ?? (await workDir?.curvature(index))?.layers[0] ?? null;
  if (kept !== null) keep?.(kept);
  const { blockSamples } = plan;
  const open = await rows.take(index);
  const openFit = fitOn === undefined ? open : openLayerRows(fitOn, layer.fit, { blockSamples, skip: skipFit, signal });
  const layerJob: LayerJob = {
    plan,
    shape: layerShape(stores, layer, job.plan.queries, config.curvatureLoaded),
    config,
    ops,
    train: open,
    fit: openFit,
    sources: { train: train.source, fit: (fitOn ?? train).source },
    fitSamples: layer.fit.samples - skipFit.size,
    v,
    curvature: kept,
    onCurvature: async (curvature) => {
      keep?.(curvature);
      await workDir?.keepCurvature(index, gather(config, [curvature]));
    },
    onBlock: (phase, block) => count(phase, layer.train, block.samples),
    totals,
    own,
  };
  try {
    return await runLayer(layerJob, ESTIMATORS);
  } finally {
    await open.close();
    if (openFit !== open) await openFit.close();
  }
}

function gather({ side, fisherScale, gramPrecision }: Config, layers: readonly LayerCurvature[]): Curvature {
  return { kind: 'gfim', side, fisherScale, gramPrecision, samples: layers[0]?.samples ?? 0, layers };
}

async function assemble(
  job: Job,
  outputs: readonly LayerOutput[],
  options: InfluenceOptions,
  started: number,
): Promise<InfluenceResult> {
  const { stores, config, plan, skipped } = job;
  const { train, val, fitOn } = stores;
  const methods = config.methods.map((method) => [method, methodResult(job, outputs, method)] as const);
  const left = outputs.map(({ results }) => Object.values(results).some(({ status }) => status === 'skipped'));
  const inputs = [];
  for (const store of [train, val, ...(fitOn ? [fitOn] : [])]) inputs.push(...(await store.inputs(config.signal)));
  const { damping, preset, side, fisherScale, gramPrecision, convention } = config;
  const value = (kind: string) => (damping.kind === kind ? damping.value : null);
  const names = new Set(train.layers.map(({ name }) => name));
  return {
    schema: 'gradsift/influence/1',
    convention,
    samples: plan.samples,
    ids: options.ids ?? null,
    queries: queryNames(config.queries, val.samples),
    methods: Object.fromEntries(methods),
    options: { preset, side, fisherScale, gramPrecision, damping: value('absolute'), dampingRatio: value('ratio') },
    skipped: [...skipped.train, ...skipped.val, ...skipped.fitOn],
    skippedLayers: plan.layers.filter((_, index) => left[index]).map(({ name }) => name),
    unusedLayers: val.layers.map(({ name }) => name).filter((name) => !names.has(name)),
    inputs,
    version: VERSION,
    isa: backend().isa,
    threads: config.threads ?? backend().threads,
    seconds: (performance.now() - started) / 1000,
  };
}

function methodResult(job: Job, outputs: readonly LayerOutput[], method: MethodName): MethodResult {
  const { config, plan, totals, skipped } = job;
  const n = plan.samples;
  const scores = splitQueries(totals[method] as Float64Array, n);
  for (const { sample } of skipped.train) for (const list of scores) list[sample] = NaN;
  if (config.queries === 'each') for (const { sample } of skipped.val) scores[sample]?.fill(NaN);
  const results = outputs.map(({ results }) => results[method] as LayerResult);
  const all = results.reduce((sum, { sumAbsolute }) => sum + sumAbsolute, 0);
  const layers = results.map((result, index): LayerRecord => {
    const { reads: _reads, seconds: _seconds, sumAbsolute, ...outcome } = result;
    const { name, shape } = plan.layers[index] as LayerPlan;
    const own = config.perLayerScores ? outputs[index]?.own?.[method] : undefined;
    const share = all > 0 ? sumAbsolute / all : 0;
    return { name, shape, ...outcome, share, ...(own === undefined ? {} : { scores: splitQueries(own, n) }) };
  });
  const top = scores.map((list) => ({
    highest: topK(list, config.topK),
    lowest: topK(list, config.topK, { order: 'lowest' }),
  }));
  return {
    status: worstStatus(results),
    scores,
    passes: Math.max(...results.map(({ reads }) => reads)),
    layers,
    ...(config.topK > 0 ? { top } : {}),
    seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}
