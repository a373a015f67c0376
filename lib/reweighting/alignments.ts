// Inner products of domain gradients, streamed from a store in one pass: what DoGE and DGA are fed.
//
// All rows are read side by side, some columns at a time, as they are stored: 16-bit floats are widened in registers,
// and everything is summed in float64. A layer may be of any length.
//
// A domain's gradient may be spread over rows (ranks, microbatches). It is their average, by tokens, and products are
// products of averages: <mean_r g_r, mean_s h_s> = sum_rs w_r w_s <g_r, h_s>. The mean of <g_r, h_r> over ranks is
// another number: for g = (1, 0) and (-1, 0), h = g, it is 1, and the right answer is 0.
import { GradsiftError, mismatch, requireInteger, requireNumber, show } from '../errors.js';
import { findLayer } from '../gradients/find-layer.js';
import { ELEMENT_BYTES } from '../gradients/layers.js';
import type { ColumnBlock, GradientStore, InputRecord, LayerInfo } from '../gradients/store.js';
import {
  addRowAlignmentsAsync,
  type RowAlignmentSums,
  type RowColumns,
  type WeightedTarget,
} from '../linalg/row-alignments.js';
import { addRowGramAsync } from '../linalg/rows.js';
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
  /** Budget for columns of rows and of the target; default 2 GiB. No result depends on it, bit for bit. */
  readonly memoryBytes?: number | undefined;
  /** Default: as many as the process may use. No result depends on it, bit for bit. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly layer: string; readonly columns: number }) => void) | undefined;
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
/** Columns that products are summed over at a time (rowDots): blocks that start at multiples of it change no bit. */
const RUN = 1024;
/** Bytes of a block: two and the columns of a target stay in the last-level cache of a server core. */
const BLOCK_BYTES = 8 * 2 ** 20;
/** Least bytes of a row in a block, budget permitting: shorter reads cost more than what they bring. */
const ROW_BYTES = 256 * 2 ** 10;

/** Products over all layers. */
interface RowProducts extends RowAlignmentSums {
  /** [rows][rows], or empty. */
  readonly gram: Float64Array;
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
 * Alignments, norms and the Gram matrix of domain gradients, in one pass over the rows. Products and sums are in
 * float64.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE for layers that do not match, GRADSIFT_NON_FINITE naming the
 * row, GRADSIFT_MEMORY when not even 1024 columns fit the budget
 */
export async function alignments(options: AlignmentsOptions): Promise<Alignments> {
  const settings = checkOptions(options);
  const { gradients, target, domains, gram, signal } = settings;
  const n = gradients.samples;
  const sums: RowProducts = {
    products: new Float64Array(n),
    squares: new Float64Array(n),
    gram: new Float64Array(settings.pairs ? n * n : 0),
    targetSquare: new Float64Array(1),
  };
  const targets = gradients.layers.map((layer) => target && findLayer(target, layer, gradients.source));
  for (const [index, layer] of gradients.layers.entries()) await addLayer(layer, targets[index], sums, settings);
  const average = byRows(settings);
  const pair = (i: number, j: number) =>
    average(i).reduce((sum, [r, w]) => {
      return average(j).reduce((part, [s, v]) => part + w * v * (sums.gram[r * n + s] as number), sum);
    }, 0);
  const square = (i: number) => (settings.pairs ? pair(i, i) : (sums.squares[average(i)[0]?.[0] as number] as number));
  const named = (number: (i: number) => number) =>
    byName(
      domains,
      domains.map((_, i) => number(i)),
    );
  const alignment = (i: number) => average(i).reduce((sum, [r, w]) => sum + w * (sums.products[r] as number), 0);
  const stores = target === undefined ? [gradients] : [gradients, target];
  return {
    ...(target === undefined
      ? {}
      : { alignment: named(alignment), targetNorm: Math.sqrt(sums.targetSquare[0] as number) }),
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
  sums: RowProducts,
  settings: Settings,
): Promise<void> {
  const { gradients, target, signal, onProgress } = settings;
  const columns = { blockColumns: columnsWithin(layer, targetLayer, settings), signal };
  const beside = target && targetLayer && target.columns(targetLayer, columns);
  try {
    for await (const block of gradients.columns(layer, columns)) {
      const other = (await beside?.next())?.value as ColumnBlock | undefined;
      const x = rowsOf(layer, block);
      const t = other && targetLayer && { ...rowsOf(targetLayer, other), weights: settings.targetShares };
      await addColumns(layer.name, block.columns, x, t, sums, settings);
      onProgress?.({ layer: layer.name, columns: block.start + block.columns });
    }
  } finally {
    await beside?.return?.();
  }
}

function rowsOf({ samples, dtype }: LayerInfo, { rows, rowStride }: ColumnBlock): RowColumns {
  return { rows, rowStride, count: samples, dtype: dtype === 'F16' || dtype === 'BF16' ? dtype : undefined };
}

async function addColumns(
  layer: string,
  length: number,
  x: RowColumns,
  t: WeightedTarget | undefined,
  sums: RowProducts,
  { gradients, target, pairs, threads, signal }: Settings,
): Promise<void> {
  const call = { length, threads, signal };
  await Promise.all([
    addRowAlignmentsAsync(x, t, sums, call),
    pairs && addRowGramAsync(x.rows, { ...x, ...call, out: sums.gram }),
  ]);
  const bad = sums.squares.findIndex((square) => !Number.isFinite(square));
  if (bad >= 0) throw nonFinite(gradients, layer, `row ${bad}`);
  if (!Number.isFinite(sums.targetSquare[0])) throw nonFinite(target as GradientStore, layer, 'a row');
}

function nonFinite(store: GradientStore, layer: string, row: string): GradsiftError {
  return new GradsiftError(
    'GRADSIFT_NON_FINITE',
    `${store.source}: ${row} holds NaN or infinity in layer ${show(layer)}`,
  );
}

/** Columns of a block: as many as stay in the cache, or fewer where the budget is small. @throws GRADSIFT_MEMORY */
function columnsWithin(
  layer: LayerInfo,
  targetLayer: LayerInfo | undefined,
  { gradients, target, memoryBytes }: Settings,
): number {
  const length = layer.r * layer.d;
  const bytes = (columns: number) =>
    gradients.columnBytes(layer, columns) + (target && targetLayer ? target.columnBytes(targetLayer, columns) : 0);
  const row = ELEMENT_BYTES[layer.dtype];
  const wanted = Math.max(ROW_BYTES / row, BLOCK_BYTES / row / gradients.samples);
  let [low, high] = [0, Math.ceil(Math.min(wanted, length) / RUN)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (bytes(middle * RUN) <= memoryBytes) low = middle;
    else high = middle - 1;
  }
  if (low > 0) return low * RUN;
  const needed = `${Math.min(RUN, length)} columns of all rows of layer ${show(layer.name)} of ${gradients.source}`;
  throw mismatch('GRADSIFT_MEMORY', 'memoryBytes', `at least ${bytes(RUN)} bytes for ${needed}`, memoryBytes);
}
