// What a job will do, worked out before anything is allocated: forms and solvers, reads, flops, block sizes, memory.
// The job itself follows this plan; `--dry-run` prints it.
import { GradsiftError, show } from '../errors.js';
import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { gfimTileSamples } from '../linalg/gfim.js';
import { keptSize } from './curvature.js';
import type { Candidate, LayerShape } from './estimator.js';
import { matchLayers, type MatchedLayer } from './match-layers.js';
import { ESTIMATORS } from './methods.js';
import { checkOptions, type Config, type InfluenceOptions, type MethodName, type Side } from './options.js';

export interface MethodPlan extends Candidate {
  readonly method: MethodName;
  /** Times the rows of the layer are read for it: 1 where they are kept in memory. */
  readonly reads: number;
}

export interface LayerPlan {
  readonly name: string;
  /** [samples, r, d] */
  readonly shape: readonly [number, number, number];
  /** All rows lie in memory until the layer is done, and are read once. */
  readonly kept: boolean;
  /** The rows of the next layer are read while this one is computed. */
  readonly readsAhead: boolean;
  readonly blockSamples: number;
  readonly valBlockSamples: number;
  readonly methods: readonly MethodPlan[];
  /** Bytes of rows read from each store, all methods together. */
  readonly bytesRead: { readonly train: number; readonly val: number; readonly fitOn: number };
  readonly flops: number;
  readonly peakBytes: number;
}

/** What a job will read, compute and hold: worked out before anything is allocated. */
export interface Plan {
  readonly samples: number;
  readonly queries: number;
  readonly layers: readonly LayerPlan[];
  /** Most times any layer's rows are read for a method. */
  readonly passes: Readonly<Partial<Record<MethodName, number>>>;
  readonly bytesRead: number;
  /** An upper bound where a recursion may stop early. */
  readonly flops: number;
  /** Rows, matrices, scratch memory and scores at their largest; JavaScript itself not counted. */
  readonly peakBytes: number;
  readonly memoryBytes: number;
}

/** Blocks of rows whose sums are wanted start at multiples of this (kRowTile), so that no bit depends on the budget. */
const ROW_TILE = 64;

/** The sums that a pass over a layer feeds. */
export interface TileNeeds {
  /** A generalised Fisher matrix of this side. */
  readonly gfim?: Side | undefined;
  /** The full Fisher matrix. */
  readonly fisher?: boolean | undefined;
}

/** Samples that every block but the last holds a multiple of. All tiles are powers of two: the largest serves all. */
export function tileSamples({ r, d }: LayerInfo, { gfim, fisher = false }: TileNeeds): number {
  const forGfim = gfim === undefined ? 1 : gfimTileSamples(r, d, gfim);
  return Math.max(ROW_TILE, forGfim, fisher ? gfimTileSamples(1, r * d) : 1);
}

/** Bytes of one element as the store hands it out. */
export function elementBytes({ dtype }: LayerInfo): number {
  return dtype === 'F64' ? 8 : 4;
}

/**
 * Largest block of whole tiles within the budget; the whole layer if it fits. undefined when not even one tile does.
 */
export function blockSamplesWithin(
  store: GradientStore,
  layer: LayerInfo,
  needs: TileNeeds,
  budget: number,
): number | undefined {
  const { samples } = layer;
  if (store.blockBytes(layer, samples) <= budget) return samples;
  const tile = tileSamples(layer, needs);
  let [low, high] = [0, Math.floor((samples - 1) / tile)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (store.blockBytes(layer, middle * tile) <= budget) low = middle;
    else high = middle - 1;
  }
  return low === 0 ? undefined : low * tile;
}

interface Stores {
  readonly train: GradientStore;
  readonly val: GradientStore;
  readonly fitOn: GradientStore | undefined;
}

/** Bytes beside the rows that the methods of a layer hold together. */
function workingBytes(shape: LayerShape, chosen: readonly Candidate[], config: Config): number {
  const { r, d, queries, fitSamples } = shape;
  const shared = new Set(chosen.map(({ shares }) => shares));
  const gfim = shared.has('gfim') ? keptSize(config.side, r, d) ** 2 : 0;
  const fisher = shared.has('fisher') ? (r * d) ** 2 : 0;
  const own = chosen.reduce((sum, { bytes }) => sum + bytes, 0);
  return own + 8 * (gfim + fisher + queries * r * d + fitSamples);
}

/** Smallest block that can be read: one tile, or the layer if it has fewer samples. */
function smallestBlock(layer: LayerInfo, needs: TileNeeds): number {
  return Math.min(layer.samples, tileSamples(layer, needs));
}

interface Fit {
  readonly kept: boolean;
  readonly blockSamples: number;
  readonly bytes: number;
}

/** Whether these candidates fit, and how the rows are read then; else the bytes that are missing a home. */
function fit(
  stores: Stores,
  layers: MatchedLayer,
  shape: LayerShape,
  chosen: readonly Candidate[],
  config: Config,
  budget: number,
) {
  const working = workingBytes(shape, chosen, config);
  const fitStore = stores.fitOn ?? stores.train;
  const scratch = (samples: number) => 8 * shape.queries * samples * chosen.length;
  const all = layers.fit.samples;
  const whole = working + fitStore.blockBytes(layers.fit, all) + scratch(all);
  if (whole <= budget) return { kept: true, blockSamples: all, bytes: whole } satisfies Fit;
  const needsRows = chosen.some((candidate) => candidate.needsRows);
  const needs = {
    gfim: chosen.some(({ shares }) => shares === 'gfim') ? config.side : undefined,
    fisher: chosen.some(({ shares }) => shares === 'fisher'),
  };
  const least = smallestBlock(layers.fit, needs);
  const needed = needsRows ? whole : working + fitStore.blockBytes(layers.fit, least) + scratch(least);
  if (needed > budget) return { needed };
  const perSample = scratch(1);
  // The scratch memory grows with the block, so the rows get what is left for both, in proportion.
  const rowsPerSample = fitStore.blockBytes(layers.fit, least) / least;
  const rows = (budget - working) * (rowsPerSample / (rowsPerSample + perSample));
  const blockSamples = blockSamplesWithin(fitStore, layers.fit, needs, Math.min(rows, budget)) ?? least;
  const block = Math.min(blockSamples, largestStreamed(layers.fit, needs));
  return {
    kept: false,
    blockSamples: block,
    bytes: working + fitStore.blockBytes(layers.fit, block) + scratch(block),
  } satisfies Fit;
}

/** A layer that is not kept is read in at least two blocks. */
function largestStreamed(layer: LayerInfo, needs: TileNeeds): number {
  const tile = tileSamples(layer, needs);
  return layer.samples > tile ? Math.floor((layer.samples - 1) / tile) * tile : layer.samples;
}

/** The first way of each method that fits on its own; then all of them together must. */
function choose(stores: Stores, layers: MatchedLayer, shape: LayerShape, config: Config, budget: number) {
  const chosen = config.methods.map((method) => {
    const candidates = ESTIMATORS[method].candidates(shape, config);
    const trials = candidates.map((candidate) => fit(stores, layers, shape, [candidate], config, budget));
    const first = trials.findIndex((trial) => 'kept' in trial);
    if (first >= 0) return candidates[first] as Candidate;
    const needed = Math.min(...trials.map((trial) => ('needed' in trial ? trial.needed : Infinity)));
    throw tooLarge(layers.train.name, method, needed, budget, config);
  });
  const together = fit(stores, layers, shape, chosen, config, budget);
  if ('needed' in together) {
    throw tooLarge(layers.train.name, config.methods.join(', '), together.needed, budget, config);
  }
  return { chosen, together };
}

function tooLarge(layer: string, what: string, needed: number, budget: number, config: Config): GradsiftError {
  const scores = config.memoryBytes - budget;
  return new GradsiftError(
    'GRADSIFT_MEMORY',
    `memoryBytes: layer ${show(layer)} needs ${needed + scores} bytes for ${what}` +
      ` (${scores} of them for scores), got ${config.memoryBytes}`,
  );
}

function planLayer(stores: Stores, layers: MatchedLayer, config: Config, queries: number, budget: number): LayerPlan {
  const { train, val } = layers;
  const shape = layerShape(stores, layers, queries, config.curvatureLoaded);
  const { chosen, together } = choose(stores, layers, shape, config, budget);
  const { kept, blockSamples, bytes } = together;
  const sameRows = stores.fitOn === undefined;
  const methods = chosen.map((candidate, index) => {
    const reads = kept ? (sameRows || candidate.passes === 1 ? 1 : 2) : candidate.passes;
    return { ...candidate, method: config.methods[index] as MethodName, reads };
  });
  const valBlockSamples = Math.min(
    blockSamplesWithin(stores.val, val, {}, Math.max(0, budget - bytes)) ?? smallestBlock(val, {}),
    val.samples,
  );
  const passes = Math.max(...methods.map((method) => method.passes));
  const audits = config.onNonFinite === 'skip' ? 1 : 0;
  const size = (layer: LayerInfo) => layer.samples * layer.r * layer.d * elementBytes(layer);
  const trainReads = sameRows ? (kept ? 1 : passes) : 1;
  const fitReads = sameRows || passes === 1 ? 0 : kept ? 1 : passes - 1;
  return {
    name: train.name,
    shape: [train.samples, train.r, train.d],
    kept,
    readsAhead: false,
    blockSamples,
    valBlockSamples,
    methods,
    bytesRead: {
      train: (trainReads + audits) * size(train),
      val: (1 + audits) * size(val),
      fitOn: sameRows ? 0 : (fitReads + audits) * size(layers.fit),
    },
    flops: methods.reduce((sum, { flops }) => sum + flops, 0),
    peakBytes: bytes,
  };
}

/** The sizes of a layer that its methods see. */
export function layerShape(
  stores: Stores,
  { train, fit: fitLayer }: MatchedLayer,
  queries: number,
  loaded: boolean,
): LayerShape {
  return {
    name: train.name,
    samples: train.samples,
    fitSamples: fitLayer.samples,
    r: train.r,
    d: train.d,
    queries,
    elementBytes: elementBytes(train),
    loaded,
    sameRows: stores.fitOn === undefined,
  };
}

/** Layers in pairs: where the budget has room for the rows of the next one too, they are read ahead. */
function readAhead(stores: Stores, matched: readonly MatchedLayer[], layers: LayerPlan[], budget: number): LayerPlan[] {
  return layers.map((layer, index) => {
    const [next, following] = [layers[index + 1], matched[index + 1]];
    if (stores.fitOn !== undefined || !layer.kept || !next?.kept || following === undefined) return layer;
    const bytes = stores.train.blockBytes(following.train, next.blockSamples);
    const peakBytes = layer.peakBytes + bytes;
    return bytes > 0 && peakBytes <= budget ? { ...layer, readsAhead: true, peakBytes } : layer;
  });
}

/** Plans a checked job. @throws GRADSIFT_MEMORY when the budget is too small, naming needed and given bytes */
export function planJob(stores: Stores, matched: readonly MatchedLayer[], config: Config): Plan {
  const { train, val } = stores;
  const queries = config.queries === 'mean' ? 1 : val.samples;
  const lists = config.methods.length * queries;
  const scoreBytes = 8 * train.samples * lists * (config.perLayerScores ? 1 + matched.length : 1);
  const budget = config.memoryBytes - scoreBytes;
  const each = matched.map((layer) => planLayer(stores, layer, config, queries, budget));
  const layers = readAhead(stores, matched, each, budget);
  const passes = Object.fromEntries(
    config.methods.map((method, index) => [
      method,
      Math.max(...layers.map(({ methods }) => methods[index]?.reads ?? 0)),
    ]),
  );
  const sum = (pick: (layer: LayerPlan) => number) => layers.reduce((total, layer) => total + pick(layer), 0);
  return {
    samples: train.samples,
    queries,
    layers,
    passes,
    bytesRead: sum(({ bytesRead }) => bytesRead.train + bytesRead.val + bytesRead.fitOn),
    flops: sum(({ flops }) => flops),
    peakBytes: scoreBytes + Math.max(...layers.map(({ peakBytes }) => peakBytes)),
    memoryBytes: config.memoryBytes,
  };
}

/**
 * What {@link influence} would do with these options: reads, forms, solvers, flops and memory. Reads no gradient and
 * allocates nothing.
 *
 * @throws GradsiftError as influence does for wrong options, layers that do not match, or a budget that is too small
 */
export function planInfluence(options: InfluenceOptions): Plan {
  const { train, val, fitOn } = options;
  const config = checkOptions(options);
  const curvature = typeof options.loadCurvature === 'string' ? undefined : options.loadCurvature;
  return planJob({ train, val, fitOn }, matchLayers(train, val, fitOn, curvature), config);
}
