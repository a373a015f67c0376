// A tree of clusters (CRISP): k-means on all embeddings, then within each cluster, and so on. An embedding finds its
// leaf by greedy descent, the nearest centroid at each level. Numbers are paths: child = parent * children + j.
import { GradsiftError, mismatch, requireInteger, requireNumber } from '../errors.js';
import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { rowNorms } from '../linalg/rows.js';
import { namedSeed, random, seeded } from '../random.js';
import { gather, kMeans, nearest, type Centroids } from './k-means.js';

/** Options of {@link fitClusters}. */
export interface FitClustersOptions {
  /** Clusters, or children at each level from the root: [64, 64] has 4096 leaves. */
  readonly branching: number | readonly number[];
  /** Integer >= 0. */
  readonly seed: number;
  /** Steps of expectation and maximisation a node; default 20. */
  readonly iterations?: number | undefined;
  /** Embeddings to fit on, drawn at random and held in memory; default all. */
  readonly samples?: number | undefined;
  /** Embeddings of each step, fresh ones; default all that reach the node. */
  readonly batch?: number | undefined;
  /**
   * In a step, a cluster with more than this times its even share gives half to the smallest; > 1, default 1.5. null:
   * never.
   */
  readonly balance?: number | null | undefined;
  /** Whether embeddings are brought to length 1; default true. One of zeros is then refused. */
  readonly normalise?: boolean | undefined;
  /** Whether centroids are too; default false: Euclidean means. */
  readonly spherical?: boolean | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** After each step: the mean squared distance to the nearest centroid, before it. */
  readonly onProgress?: ((progress: ClusterProgress) => void) | undefined;
}

/** Where a fit is. */
export interface ClusterProgress {
  readonly level: number;
  readonly node: number;
  readonly iteration: number;
  readonly meanSquare: number;
}

/** One level of a tree. */
export interface ClusterLevel {
  /** [nodes][children][dimensions] */
  readonly centroids: Float32Array;
  /** Children that each node has: fewer where fewer different embeddings reach it. */
  readonly children: Uint32Array;
}

/** A fitted tree: plain data. */
export interface ClusterTree {
  readonly dimensions: number;
  readonly branching: readonly number[];
  readonly normalise: boolean;
  readonly levels: readonly ClusterLevel[];
}

/** Rows that descend together. The same for any budget, so that labels are. */
const BLOCK_ROWS = 4096;

function checkOptions(options: FitClustersOptions, store: GradientStore) {
  const { seed, iterations = 20, samples = store.samples, batch = null, balance = 1.5 } = options;
  const { normalise = true, spherical = false } = options;
  const branching = typeof options.branching === 'number' ? [options.branching] : options.branching;
  if (!(Array.isArray(branching) && branching.length > 0)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'branching', 'a number, or one for each level', options.branching);
  }
  branching.forEach((children, level) => requireInteger(`branching[${level}]`, children, 1));
  requireInteger(
    'branching, multiplied',
    branching.reduce((product, children) => product * children, 1),
    1,
    2 ** 32,
  );
  requireInteger('seed', seed, 0);
  requireInteger('iterations', iterations, 0);
  requireInteger('samples', samples, 1, store.samples);
  if (batch !== null) requireInteger('batch', batch, 1);
  if (balance !== null) requireNumber('balance', balance, 'a number > 1, or null', (value) => value > 1);
  for (const [name, value] of Object.entries({ normalise, spherical })) {
    if (typeof value !== 'boolean') throw mismatch('GRADSIFT_ARGUMENT', name, 'true or false', value);
  }
  return { branching: branching as readonly number[], seed, iterations, samples, batch, balance, normalise, spherical };
}

/**
 * Fits a tree of clusters to embeddings: a store of one layer, [samples, dimensions] (an .npy or safetensors file, or
 * an array, by openGradients). The same tree for a seed, on any number of threads.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, also for an embedding of zeros; GRADSIFT_SHAPE, GRADSIFT_NON_FINITE,
 * GRADSIFT_IO
 */
export async function fitClusters(embeddings: GradientStore, options: FitClustersOptions): Promise<ClusterTree> {
  const settings = checkOptions(options, embeddings);
  const { branching, seed, normalise } = settings;
  const layer = onlyLayer(embeddings);
  const { d: dimensions } = layer;
  const x = await trainingRows(embeddings, layer, settings, options);
  const count = settings.samples;
  const levels: ClusterLevel[] = [];
  let nodes = new Uint32Array(count); // of each row, at the level being fitted
  let width = 1;
  for (const [level, clusters] of branching.entries()) {
    const centroids = new Float32Array(width * clusters * dimensions);
    const children = new Uint32Array(width);
    const next = new Uint32Array(count);
    for (const [node, rows] of groups(nodes, width)) {
      const own = rows.length === count ? x : gather(x, dimensions, rows);
      const cursor = random(seeded(namedSeed(seed, `node ${level}/${node}`)));
      const { onProgress } = options;
      const found = await kMeans(own, rows.length, dimensions, cursor, {
        ...settings,
        clusters,
        threads: options.threads,
        signal: options.signal,
        onIteration: (iteration, meanSquare) => onProgress?.({ level, node, iteration, meanSquare }),
      });
      centroids.set(found.rows, node * clusters * dimensions);
      children[node] = found.count;
      if (level + 1 === branching.length) continue;
      const { labels } = await nearest(own, rows.length, dimensions, found, options);
      rows.forEach((row, i) => (next[row] = node * clusters + (labels[i] as number)));
    }
    levels.push({ centroids, children });
    nodes = next;
    width *= clusters;
  }
  return { dimensions, branching, normalise, levels };
}

/** Options of {@link assignClusters}. */
export interface AssignClustersOptions {
  /** Levels to descend, 1 .. depth; default all: leaves. */
  readonly levels?: number | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly done: number; readonly samples: number }) => void) | undefined;
}

/**
 * The cluster of each embedding, by greedy descent.
 * @returns its number at the wanted level, one an embedding; the same for any number of threads
 * @throws GradsiftError as fitClusters; GRADSIFT_SHAPE for embeddings of another length
 */
export async function assignClusters(
  tree: ClusterTree,
  embeddings: GradientStore,
  options: AssignClustersOptions = {},
): Promise<Uint32Array> {
  const { dimensions, branching, normalise } = tree;
  const { levels = branching.length, signal, onProgress } = options;
  requireInteger('levels', levels, 1, branching.length);
  const layer = onlyLayer(embeddings);
  if (layer.d !== dimensions) {
    throw mismatch('GRADSIFT_SHAPE', embeddings.source, `embeddings of ${dimensions} numbers`, layer.d);
  }
  const out = new Uint32Array(layer.samples);
  const own = new Float32Array(Math.min(BLOCK_ROWS, layer.samples) * dimensions);
  for await (const { start, samples, rows } of embeddings.blocks(layer, { blockSamples: BLOCK_ROWS, signal })) {
    const norms = rowNorms(rows, { count: samples, length: dimensions, threads: options.threads });
    for (let i = 0; i < samples; ++i) {
      copyRow(rows, i, norms, own, i, dimensions, normalise, () => at(embeddings, start + i));
    }
    out.set(await descend(tree, own.subarray(0, samples * dimensions), samples, levels, options), start);
    onProgress?.({ done: start + samples, samples: layer.samples });
  }
  return out;
}

async function descend(
  { dimensions, branching, levels }: ClusterTree,
  x: Float32Array,
  count: number,
  depth: number,
  options: AssignClustersOptions,
): Promise<Uint32Array> {
  let nodes = new Uint32Array(count);
  for (let level = 0; level < depth; ++level) {
    const clusters = branching[level] as number;
    const { centroids, children } = levels[level] as ClusterLevel;
    const next = new Uint32Array(count);
    for (const [node, rows] of groups(nodes, children.length)) {
      const first = node * clusters * dimensions;
      // A node that no embedding of the fit reached has one child, at the origin: whoever comes goes on to it.
      const found: Centroids = {
        count: Math.max(1, children[node] as number),
        rows: centroids.subarray(first, first + clusters * dimensions),
      };
      const own = rows.length === count ? x : gather(x, dimensions, rows);
      const { labels } = await nearest(own, rows.length, dimensions, found, options);
      rows.forEach((row, i) => (next[row] = node * clusters + (labels[i] as number)));
    }
    nodes = next;
  }
  return nodes;
}

/** The rows of each node that has any, in order of nodes. */
function groups(nodes: Uint32Array, width: number): [number, Uint32Array][] {
  if (width === 1) return [[0, Uint32Array.from(nodes, (_, row) => row)]];
  const order = Uint32Array.from(nodes, (_, row) => row).sort(
    (a, b) => (nodes[a] as number) - (nodes[b] as number) || a - b,
  );
  const found: [number, Uint32Array][] = [];
  for (let first = 0; first < order.length;) {
    const node = nodes[order[first] as number] as number;
    let end = first;
    while (end < order.length && nodes[order[end] as number] === node) ++end;
    found.push([node, order.subarray(first, end)]);
    first = end;
  }
  return found;
}

/** @throws GRADSIFT_SHAPE unless the store is one matrix of embeddings */
function onlyLayer(store: GradientStore): LayerInfo {
  const [layer, ...others] = store.layers;
  if (layer !== undefined && others.length === 0 && layer.r === 1) return layer;
  throw new GradsiftError('GRADSIFT_SHAPE', `${store.source}: expected one tensor [samples, dimensions] of embeddings`);
}

/** The rows to fit on: all, or a simple random sample in one pass (selection sampling, Knuth's algorithm S). */
async function trainingRows(
  store: GradientStore,
  layer: LayerInfo,
  { samples: wanted, seed, normalise }: { samples: number; seed: number; normalise: boolean },
  { threads, signal }: FitClustersOptions,
): Promise<Float32Array> {
  const { d, samples: all } = layer;
  const x = new Float32Array(wanted * d);
  const cursor = random(seeded(namedSeed(seed, 'training rows')));
  let taken = 0;
  for await (const { start, samples, rows } of store.blocks(layer, { blockSamples: BLOCK_ROWS, signal })) {
    const norms = rowNorms(rows, { count: samples, length: d, threads });
    for (let i = 0; i < samples && taken < wanted; ++i) {
      const left = all - start - i;
      if (left > wanted - taken && cursor.below(left) >= wanted - taken) continue;
      copyRow(rows, i, norms, x, taken, d, normalise, () => at(store, start + i));
      taken += 1;
    }
    if (taken === wanted) break;
  }
  return x;
}

const at = (store: GradientStore, row: number) => `${store.source}: row ${row}`;

/** Row i of x, or its direction, to row j of out. norms: squared lengths of the rows of x. */
function copyRow(
  x: Float32Array | Float64Array,
  i: number,
  norms: Float64Array,
  out: Float32Array,
  j: number,
  d: number,
  normalise: boolean,
  where: () => string,
): void {
  const square = norms[i] as number;
  if (!Number.isFinite(square)) throw new GradsiftError('GRADSIFT_NON_FINITE', `${where()} holds NaN or infinity`);
  if (normalise && !(square > 0)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${where()} is all zeros: it has no direction`);
  }
  const length = normalise ? Math.sqrt(square) : 1;
  for (let from = i * d, to = j * d; from < (i + 1) * d; ++from, ++to) out[to] = (x[from] as number) / length;
}
