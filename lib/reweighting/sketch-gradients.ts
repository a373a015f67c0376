// Short rows that keep inner products: random projections (Johnson and Lindenstrauss) of stored gradients.
//
//     s = S g,   E <S g, S h> = <g, h>,   S of d rows
//     gaussian    S_jp ~ N(0, 1/d)         variance (|g|^2 |h|^2 + <g,h>^2) / d
//     rademacher  S_jp = +-1/sqrt(d)       variance (|g|^2 |h|^2 + <g,h>^2 - 2 sum_p g_p^2 h_p^2) / d
//     count       one +-1 in each column   the same as rademacher, for one addition a parameter instead of d
//
// The count sketch (Charikar, Chen and Farach-Colton 2002) is the one for 10^8 parameters. S follows from the seed and
// the names of the layers: sketches made anywhere, of any stores with those layers, may be multiplied with each other.
import { setImmediate } from 'node:timers/promises';
import { GradsiftError, requireInteger, requireNumber, requireOneOf, show } from '../errors.js';
import type { ColumnBlock, GradientStore, LayerInfo } from '../gradients/store.js';
import { matmulAsync } from '../linalg/matmul.js';
import { widen } from '../linalg/widen.js';
import { namedSeed, random, seeded, type Random } from '../random.js';

/** Distribution of the projection. */
export type SketchKind = 'count' | 'rademacher' | 'gaussian';

/** Options of {@link sketchGradients}. */
export interface SketchOptions {
  /** d: numbers of a sketch, 1 .. 2^20. */
  readonly dimensions: number;
  /** Integer >= 0. */
  readonly seed: number;
  /** Default 'count'. */
  readonly kind?: SketchKind | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sketches of the rows of a store. */
export interface Sketches {
  readonly kind: SketchKind;
  readonly seed: number;
  readonly dimensions: number;
  readonly samples: number;
  /** Row-major [samples][dimensions]: a layer for openGradients, and from there for alignments. */
  readonly rows: Float64Array;
}

/** Least parameters of all rows that are read at a time; in one step of a count: the event loop waits for one. */
const COLUMNS = 2 ** 16;
/** Elements of S at a time: 8 MiB. */
const DENSE_TILE = 2 ** 20;

/**
 * Projects every row of a store to `dimensions` numbers, some parameters of all rows at a time.
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE naming the row, GRADSIFT_IO
 */
export async function sketchGradients(gradients: GradientStore, options: SketchOptions): Promise<Sketches> {
  const { dimensions, seed, kind = 'count', threads, signal } = options;
  requireInteger('dimensions', dimensions, 1, 2 ** 20);
  requireInteger('seed', seed, 0);
  requireOneOf('kind', kind, ['count', 'rademacher', 'gaussian']);
  const { samples } = gradients;
  const out = new Float64Array(samples * dimensions);
  // Whole tiles of S, so that sums are the same however a layer is read.
  const tile = kind === 'count' ? COLUMNS : Math.max(1, Math.floor(DENSE_TILE / dimensions));
  const blockColumns = tile * Math.ceil(COLUMNS / tile);
  for (const layer of gradients.layers) {
    const cursor = random(seeded(namedSeed(seed, layer.name)));
    for await (const block of gradients.columns(layer, { blockColumns, signal })) {
      const part: Part = { ...numbersOf(layer, block), count: samples, length: block.columns, out, dimensions };
      if (kind === 'count') await addCounts(part, cursor, signal);
      else await addDense(part, kind, tile, cursor, threads, signal);
    }
    requireFinite(out, dimensions, gradients, layer);
  }
  const scale = kind === 'count' ? 1 : 1 / Math.sqrt(dimensions);
  return { kind, seed, dimensions, samples, rows: out.map((value) => value * scale) };
}

/** Columns of a layer, and the sketches that they are added to. */
interface Part {
  readonly x: Float32Array | Float64Array;
  readonly stride: number;
  readonly count: number;
  readonly length: number;
  readonly out: Float64Array;
  readonly dimensions: number;
}

/** Halves as numbers, the others as they are. */
function numbersOf({ samples, dtype }: LayerInfo, { rows, columns, rowStride }: ColumnBlock) {
  if (!(dtype === 'F16' || dtype === 'BF16')) return { x: rows as Float32Array | Float64Array, stride: rowStride };
  const x = new Float32Array(samples * columns);
  for (let row = 0; row < samples; ++row) {
    const stored = rows.subarray(row * rowStride, row * rowStride + columns) as Uint16Array;
    widen(stored, dtype, x.subarray(row * columns, (row + 1) * columns));
  }
  return { x, stride: columns };
}

/** A word a parameter: its lowest bit is the sign, the rest chooses the entry. */
async function addCounts({ x, stride, count, length, out, dimensions }: Part, cursor: Random, signal?: AbortSignal) {
  for (let p = 0; p < length; ++p) {
    const word = cursor.word();
    const entry = (word >>> 1) % dimensions;
    const sign = (word & 1) === 0 ? 1 : -1;
    for (let i = 0; i < count; ++i) out[i * dimensions + entry]! += sign * (x[i * stride + p] as number);
  }
  await setImmediate();
  signal?.throwIfAborted();
}

/** S by tiles of its columns, each multiplied with all rows. */
async function addDense(
  { x, stride, count, length, out, dimensions }: Part,
  kind: 'rademacher' | 'gaussian',
  tile: number,
  cursor: Random,
  threads: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const draw = kind === 'gaussian' ? () => cursor.normal() : signs(cursor);
  for (let first = 0; first < length; first += tile) {
    const width = Math.min(tile, length - first);
    const s = Float64Array.from({ length: width * dimensions }, draw);
    const part = new Float64Array(count * width);
    for (let i = 0; i < count; ++i) {
      part.set(x.subarray(i * stride + first, i * stride + first + width), i * width);
    }
    await matmulAsync(part, s, { m: count, k: width, n: dimensions, beta: 1, out, threads, signal });
  }
}

/** +-1 from single bits. */
function signs(cursor: Random): () => number {
  let [word, left] = [0, 0];
  return () => {
    if (left === 0) [word, left] = [cursor.word(), 32];
    left -= 1;
    return ((word >>> left) & 1) === 0 ? 1 : -1;
  };
}

function requireFinite(out: Float64Array, dimensions: number, store: GradientStore, layer: LayerInfo): void {
  const bad = out.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const where = `row ${Math.floor(bad / dimensions)} holds NaN or infinity in layer ${show(layer.name)}`;
  throw new GradsiftError('GRADSIFT_NON_FINITE', `${store.source}: ${where}`);
}

/**
 * Standard error of <S g, S h> as an estimate of <g, h>: sqrt((|g|^2 |h|^2 + <g,h>^2) / d), exact for 'gaussian' and an
 * upper bound for the others.
 * @throws GradsiftError GRADSIFT_ARGUMENT
 */
export function sketchError(dimensions: number, normG: number, normH: number, product: number): number {
  requireInteger('dimensions', dimensions, 1);
  requireNumber('normG', normG, 'a number >= 0', (value) => value >= 0);
  requireNumber('normH', normH, 'a number >= 0', (value) => value >= 0);
  requireNumber('product', product);
  return Math.sqrt(((normG * normH) ** 2 + product ** 2) / dimensions);
}
