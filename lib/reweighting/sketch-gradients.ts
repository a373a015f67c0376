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
import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { matmulAsync } from '../linalg/matmul.js';
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
  /** Rows of a layer that are read together; default all. No result depends on it, bit for bit. */
  readonly blockSamples?: number | undefined;
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

/** Parameters in one step: the event loop waits no longer than one takes. */
const COUNT_TILE = 2 ** 16;
/** Elements of S at a time: 8 MiB. */
const DENSE_TILE = 2 ** 20;

/**
 * Projects every row of a store to `dimensions` numbers, layer by layer.
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE naming the row, GRADSIFT_IO
 */
export async function sketchGradients(gradients: GradientStore, options: SketchOptions): Promise<Sketches> {
  const { dimensions, seed, kind = 'count', blockSamples = gradients.samples, threads, signal } = options;
  requireInteger('dimensions', dimensions, 1, 2 ** 20);
  requireInteger('seed', seed, 0);
  requireOneOf('kind', kind, ['count', 'rademacher', 'gaussian']);
  requireInteger('blockSamples', blockSamples, 1);
  const { samples } = gradients;
  const rows = new Float64Array(samples * dimensions);
  for (const layer of gradients.layers) {
    for await (const block of gradients.blocks(layer, { blockSamples, signal })) {
      const out = rows.subarray(block.start * dimensions, (block.start + block.samples) * dimensions);
      const part: Part = { x: block.rows, count: block.samples, length: layer.r * layer.d, out, dimensions };
      const cursor = random(seeded(namedSeed(seed, layer.name)));
      if (kind === 'count') await addCounts(part, cursor, signal);
      else await addDense(part, kind, cursor, threads, signal);
      requireFinite(part, gradients, layer, block.start);
    }
  }
  const scale = kind === 'count' ? 1 : 1 / Math.sqrt(dimensions);
  return { kind, seed, dimensions, samples, rows: rows.map((value) => value * scale) };
}

/** Rows of a layer, and the sketches that they are added to. */
interface Part {
  readonly x: Float32Array | Float64Array;
  readonly count: number;
  readonly length: number;
  readonly out: Float64Array;
  readonly dimensions: number;
}

/** A word a parameter: its lowest bit is the sign, the rest chooses the entry. */
async function addCounts({ x, count, length, out, dimensions }: Part, cursor: Random, signal?: AbortSignal) {
  for (let first = 0; first < length; first += COUNT_TILE) {
    for (let p = first; p < Math.min(first + COUNT_TILE, length); ++p) {
      const word = cursor.word();
      const entry = (word >>> 1) % dimensions;
      const sign = (word & 1) === 0 ? 1 : -1;
      for (let i = 0; i < count; ++i) out[i * dimensions + entry]! += sign * (x[i * length + p] as number);
    }
    await setImmediate();
    signal?.throwIfAborted();
  }
}

/** S by tiles of its columns, each multiplied with all rows. */
async function addDense(
  { x, count, length, out, dimensions }: Part,
  kind: 'rademacher' | 'gaussian',
  cursor: Random,
  threads: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const tile = Math.max(1, Math.floor(DENSE_TILE / dimensions));
  const draw = kind === 'gaussian' ? () => cursor.normal() : signs(cursor);
  for (let first = 0; first < length; first += tile) {
    const width = Math.min(tile, length - first);
    const s = Float64Array.from({ length: width * dimensions }, draw);
    const part = new Float64Array(count * width);
    for (let i = 0; i < count; ++i) {
      part.set(x.subarray(i * length + first, i * length + first + width), i * width);
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

function requireFinite({ out, count, dimensions }: Part, store: GradientStore, layer: LayerInfo, start: number): void {
  const bad = out.findIndex((value) => !Number.isFinite(value));
  if (bad < 0 || count === 0) return;
  const where = `row ${start + Math.floor(bad / dimensions)} holds NaN or infinity in layer ${show(layer.name)}`;
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
