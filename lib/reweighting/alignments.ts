// Inner products of domain gradients, streamed layer by layer from a store: what DoGE and DGA are fed.
//
// A domain's gradient may be spread over rows (ranks, microbatches). It is their average, by tokens, and products are
// products of averages: <mean_r g_r, mean_s h_s> = sum_rs w_r w_s <g_r, h_s>. The mean of <g_r, h_r> over ranks is
// another number: for g = (1, 0) and (-1, 0), h = g, it is 1, and the right answer is 0.
import { GradsiftError, mismatch, requireInteger, requireNumber, show } from '../errors.js';
import { findLayer } from '../gradients/find-layer.js';
import type { GradientStore, InputRecord, LayerInfo } from '../gradients/store.js';
import { addWeightedRowsAsync, rowDotsAsync, rowNormsAsync } from '../linalg/rows.js';
import { byName, type DomainNumbers } from './domains.js';

/** Options of {@link alignments}. */
export interface AlignmentsOptions {
  /** Gradients, a row (sample) each. */
  readonly gradients: GradientStore;
  /** The domain of each row; rows of one domain are averaged. */
  readonly rows: readonly string[];
  /** Tokens of each row, > 0, to average by; default: all the same. */
  readonly tokens?: readonly number[] | undefined;
  /** Gradients of the target, with the layers of `gradients`; averaged. */
  readonly target?: GradientStore | undefined;
  /** Tokens of each row of the target; default: all the same. */
  readonly targetTokens?: readonly number[] | undefined;
  /** Whether the products of all pairs of domains are wanted; default: when there is no target. */
  readonly gram?: boolean | undefined;
  /** Budget for rows and what is beside them; default 2 GiB. No result depends on it, bit for bit. */
  readonly memoryBytes?: number | undefined;
  /** Default: as many as the process may use. No result depends on it, bit for bit. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly layer: string; readonly row: number }) => void) | undefined;
}

/** Products of gradients by domain, as evidence has them: `rule.update(state, { learningRate, ...products })`. */
export interface Alignments {
  /** <g_i, g_target>. */
  readonly alignment?: DomainNumbers;
  /** ||g_i||. */
  readonly norms: DomainNumbers;
  /** ||g_target||. */
  readonly targetNorm?: number;
  /** <g_i, g_j>, exactly symmetric. */
  readonly gram?: Readonly<Record<string, DomainNumbers>>;
  readonly inputs: readonly InputRecord[];
}

const DEFAULT_MEMORY_BYTES = 2 * 2 ** 30;

/** Products over all layers, a row of the store each. */
interface RowProducts {
  readonly target: Float64Array;
  readonly norms: Float64Array;
  /** [rows][rows], or empty. */
  readonly gram: Float64Array;
  targetSquare: number;
}

type Settings = ReturnType<typeof checkOptions>;

function checkOptions(options: AlignmentsOptions) {
  const { gradients, rows, tokens, target, targetTokens, threads, signal, onProgress } = options;
  const { memoryBytes = DEFAULT_MEMORY_BYTES, gram = target === undefined } = options;
  if (!(Array.isArray(rows) && rows.length === gradients.samples && rows.every((name) => typeof name === 'string'))) {
    throw mismatch('GRADSIFT_ARGUMENT', 'rows', `the domain of each of ${gradients.samples} rows`, rows);
  }
  if (typeof gram !== 'boolean') throw mismatch('GRADSIFT_ARGUMENT', 'gram', 'true or false', gram);
  requireInteger('memoryBytes', memoryBytes, 1);
  const domains = [...new Set(rows)];
  const shares = sharesOf('tokens', tokens, rows);
  const all = Array<string>(target?.samples ?? 0).fill('target');
  const targetShares = sharesOf('targetTokens', targetTokens, all);
  // The norm of an average needs the products of its parts.
  const pairs = gram || domains.length < rows.length;
  const names = rows as readonly string[];
  return {
    gradients,
    target,
    names,
    domains,
    shares,
    targetShares,
    gram,
    pairs,
    memoryBytes,
    threads,
    signal,
    onProgress,
  };
}

/** The share of each row in the average of its domain. */
function sharesOf(name: string, tokens: readonly number[] | undefined, rows: readonly string[]): Float64Array {
  const counts = tokens ?? rows.map(() => 1);
  if (!(Array.isArray(counts) && counts.length === rows.length)) {
    throw mismatch('GRADSIFT_ARGUMENT', name, `a number for each of ${rows.length} rows`, tokens);
  }
  const totals = new Map<string, number>();
  rows.forEach((domain, row) => {
    const count: unknown = counts[row];
    requireNumber(`${name}[${row}]`, count, 'a number > 0', (value) => value > 0);
    totals.set(domain, (totals.get(domain) ?? 0) + count);
  });
  return Float64Array.from(rows, (domain, row) => (counts[row] as number) / (totals.get(domain) as number));
}

/**
 * Alignments, norms and the Gram matrix of domain gradients, in one pass over the rows where the budget holds the rows
 * of a layer (as many passes as row blocks for a Gram otherwise). Products and sums are in float64.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE for layers that do not match, GRADSIFT_NON_FINITE naming the
 * row, GRADSIFT_MEMORY when not even one row fits the budget
 */
export async function alignments(options: AlignmentsOptions): Promise<Alignments> {
  const settings = checkOptions(options);
  const { gradients, target, domains, gram, signal } = settings;
  const n = gradients.samples;
  const products: RowProducts = {
    target: new Float64Array(n),
    norms: new Float64Array(n),
    gram: new Float64Array(settings.pairs ? n * n : 0),
    targetSquare: 0,
  };
  const targets = gradients.layers.map((layer) => target && findLayer(target, layer, gradients.source));
  for (const [index, layer] of gradients.layers.entries()) await addLayer(layer, targets[index], products, settings);
  const average = byRows(settings);
  const pair = (i: number, j: number) =>
    average(i).reduce((sum, [r, w]) => {
      return average(j).reduce((part, [s, v]) => part + w * v * (products.gram[r * n + s] as number), sum);
    }, 0);
  const square = (i: number) =>
    settings.pairs ? pair(i, i) : (products.norms[average(i)[0]?.[0] as number] as number);
  const named = (number: (i: number) => number) =>
    byName(
      domains,
      domains.map((_, i) => number(i)),
    );
  const alignment = (i: number) => average(i).reduce((sum, [r, w]) => sum + w * (products.target[r] as number), 0);
  const stores = target === undefined ? [gradients] : [gradients, target];
  return {
    ...(target === undefined ? {} : { alignment: named(alignment), targetNorm: Math.sqrt(products.targetSquare) }),
    norms: named((i) => Math.sqrt(Math.max(0, square(i)))),
    // (i, j) and (j, i) sum the same products in another order: one of them serves for both.
    ...(gram
      ? {
          gram: Object.fromEntries(
            domains.map((name, i) => [name, named((j) => pair(Math.min(i, j), Math.max(i, j)))]),
          ),
        }
      : {}),
    inputs: (await Promise.all(stores.map((store) => store.inputs(signal)))).flat(),
  };
}

/** Rows of each domain with their shares. */
function byRows({ names, domains, shares }: Settings): (domain: number) => readonly (readonly [number, number])[] {
  const lists = domains.map((domain) =>
    names.flatMap((name, row) => (name === domain ? [[row, shares[row] as number] as const] : [])),
  );
  return (domain) => lists[domain] as readonly (readonly [number, number])[];
}

async function addLayer(
  layer: LayerInfo,
  targetLayer: LayerInfo | undefined,
  products: RowProducts,
  settings: Settings,
): Promise<void> {
  const { gradients, pairs, threads, signal, onProgress } = settings;
  const length = layer.r * layer.d;
  const n = layer.samples;
  const h = targetLayer && (await meanTarget(targetLayer, settings));
  if (h) {
    const [square = 0] = await rowDotsAsync(h, h, { count: 1, length, threads, signal });
    if (!Number.isFinite(square)) throw nonFinite(settings.target as GradientStore, layer, 'a row');
    products.targetSquare += square;
  }
  const blockSamples = blockWithin(layer, (h ? 8 : 0) * length, settings);
  // Without pairs one pass; with them, a pass for each block of rows that the others are multiplied with.
  for (let first = 0; first < (pairs ? n : 1); first += blockSamples) {
    let held = new Float64Array(0);
    for await (const { start, samples, rows } of gradients.blocks(layer, { blockSamples, signal })) {
      const call = { count: samples, length, threads, signal };
      if (first === 0) await addOwn(rows, h, products, layer, start, call, gradients);
      if (pairs && start === first) held = new Float64Array(rows);
      if (pairs && start >= first) {
        const queries = held.length / length;
        const dots = await rowDotsAsync(rows, held, { ...call, queries });
        addPairs(products.gram, n, dots, { first, start, queries, samples });
      }
      onProgress?.({ layer: layer.name, row: start + samples });
    }
  }
}

function nonFinite(store: GradientStore, layer: LayerInfo, row: string): GradsiftError {
  const where = `${row} holds NaN or infinity in layer ${show(layer.name)}`;
  return new GradsiftError('GRADSIFT_NON_FINITE', `${store.source}: ${where}`);
}

type Call = { count: number; length: number; threads: number | undefined; signal: AbortSignal | undefined };

/** Norms, and products with the target, of a block. */
async function addOwn(
  rows: Float32Array | Float64Array,
  h: Float64Array | undefined,
  products: RowProducts,
  layer: LayerInfo,
  start: number,
  call: Call,
  store: GradientStore,
): Promise<void> {
  const norms = new Float64Array(call.count);
  const dots = h && (await rowDotsAsync(rows, h, { ...call, norms }));
  if (!dots) await rowNormsAsync(rows, { ...call, out: norms });
  for (let i = 0; i < call.count; ++i) {
    if (!Number.isFinite(norms[i])) throw nonFinite(store, layer, `row ${start + i}`);
    products.norms[start + i]! += norms[i] as number;
    if (dots) products.target[start + i]! += dots[i] as number;
  }
}

interface Pairs {
  readonly first: number;
  readonly start: number;
  readonly queries: number;
  readonly samples: number;
}

/** Each pair once from the upper triangle, mirrored. */
function addPairs(gram: Float64Array, n: number, dots: Float64Array, { first, start, queries, samples }: Pairs): void {
  for (let q = 0; q < queries; ++q) {
    for (let i = 0; i < samples; ++i) {
      const [r, s] = [first + q, start + i];
      if (s < r) continue;
      gram[r * n + s]! += dots[q * samples + i] as number;
      gram[s * n + r] = gram[r * n + s] as number;
    }
  }
}

/** The average of the target's rows in a layer, row by row: the same bits for any blocks. */
async function meanTarget(layer: LayerInfo, settings: Settings): Promise<Float64Array> {
  const { target, targetShares, threads, signal } = settings;
  const store = target as GradientStore;
  const length = layer.r * layer.d;
  const out = new Float64Array(length);
  const blockSamples = rowsWithin(store, layer, settings.memoryBytes - 8 * length, 0);
  for await (const { start, samples, rows } of store.blocks(layer, { blockSamples, signal })) {
    for (let i = 0; i < samples; ++i) {
      const row = rows.subarray(i * length, (i + 1) * length);
      const weights = targetShares.subarray(start + i, start + i + 1);
      await addWeightedRowsAsync(row, weights, { count: 1, length, out, threads, signal });
    }
  }
  return out;
}

function blockWithin(layer: LayerInfo, besideBytes: number, { gradients, memoryBytes, pairs }: Settings): number {
  const perRow = pairs ? 8 * layer.r * layer.d : 0;
  return rowsWithin(gradients, layer, memoryBytes - besideBytes, perRow);
}

/** Most rows that fit the budget with `bytesPerRow` beside each. @throws GRADSIFT_MEMORY when not one does */
function rowsWithin(store: GradientStore, layer: LayerInfo, budget: number, bytesPerRow: number): number {
  const bytes = (rows: number) => store.blockBytes(layer, rows) + rows * bytesPerRow;
  let [low, high] = [0, layer.samples];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (bytes(middle) <= budget) low = middle;
    else high = middle - 1;
  }
  if (low > 0) return low;
  throw new GradsiftError(
    'GRADSIFT_MEMORY',
    `memoryBytes: one row of layer ${show(layer.name)} of ${store.source} needs ${bytes(1) - budget} bytes more`,
  );
}
