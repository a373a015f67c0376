import { mismatch, requireNumber, requireOneOf } from '../errors.js';
import { gfim, type GfimSide, type GramPrecision } from '../linalg/gfim.js';
import { matmul } from '../linalg/matmul.js';
import { rowNorms } from '../linalg/rows.js';
import { scaleRows } from '../linalg/scale-rows.js';
import type { CallOptions } from '../native/calls.js';
import {
  factoredRows,
  factoredSpan,
  isIndexed,
  positionsOf,
  requireFactored,
  sampleSpans,
  type FactoredLayer,
  type FactoredTerm,
} from './factored.js';
import { factorLength, positionProducts, type FactorSide } from './position-products.js';

/** Scaling of {@link factoredGfim}: as of {@link gfim}. */
export interface FactoredGfimOptions extends CallOptions {
  /** Default 'columns': d x d; 'rows': r x r. */
  readonly side?: GfimSide | undefined;
  /** Factor of the sum; default 1 / samples. */
  readonly scale?: number | undefined;
  /** For what is formed from rows; default 'f64'. */
  readonly gramPrecision?: Exclude<GramPrecision, 'bf16'> | undefined;
  /** Added to, n x n with n = d ('columns') or r ('rows'); default zeros. */
  readonly out?: Float64Array | undefined;
}

interface Sum {
  readonly kept: FactorSide;
  readonly scale: number;
  readonly gramPrecision: 'f64' | 'f32';
  readonly out: Float64Array;
  readonly threads: number | undefined;
}

/**
 * Generalised Fisher information matrix of a layer from its factors, K_i the kept and S_i the summed one:
 *   G = scale sum_i g_i' g_i = scale sum_i K_i' (S_i S_i') K_i          (side 'columns': K right, S left)
 *
 * For one position S_i S_i' is a number, and G costs d^2 a sample where the rows would cost r d^2. Where the rows are
 * the cheaper way (LoRA on long sequences) they are formed, a block of samples at a time.
 *
 * @returns G in float64, exactly symmetric, added to `out`; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the argument
 */
export function factoredGfim(layer: FactoredLayer, options: FactoredGfimOptions = {}): Float64Array {
  requireFactored(layer);
  const { side = 'columns', scale = 1 / layer.samples, gramPrecision = 'f64', threads } = options;
  requireOneOf('side', side, ['columns', 'rows']);
  requireNumber('scale', scale);
  const kept = side === 'columns' ? 'right' : 'left';
  const n = factorLength(layer, kept);
  const { out = new Float64Array(n * n) } = options;
  if (out.length !== n * n) throw mismatch('GRADSIFT_SHAPE', 'out', `${n * n} numbers`, out);
  const sum = { kept, scale, gramPrecision, out, threads } as const;
  const [only] = layer.terms as readonly [FactoredTerm];
  const dense = !layer.terms.some(isIndexed);
  if (positionsOf(layer) === 1 && (dense || kept === 'right')) addScaledRows(layer, only, sum);
  else if (dense && rowsAreCheaper(layer, kept, gramPrecision)) addRows(layer, side, sum);
  else addPairs(layer, sum);
  return out;
}

function rowsAreCheaper(layer: FactoredLayer, kept: FactorSide, gramPrecision: 'f64' | 'f32'): boolean {
  const positions = positionsOf(layer);
  const keptLength = factorLength(layer, kept);
  const summed = factorLength(layer, kept === 'right' ? 'left' : 'right');
  // Pairs are summed in float64; rows may be in float32 tiles, in half the time.
  const ofRows = gramPrecision === 'f32' ? 0.5 : 1;
  const byRows = 2 * positions * summed * keptLength + ofRows * summed * keptLength * keptLength;
  return byRows <= 2 * positions * (positions * (summed + keptLength) + keptLength * keptLength);
}

/** One position: K_i scaled by the norm of S_i is a row whose Gram matrix is that of the sample. */
function addScaledRows({ samples, r, d }: FactoredLayer, term: FactoredTerm, sum: Sum): void {
  const { kept, scale, gramPrecision, out, threads } = sum;
  const [keptRows, keptLength] = kept === 'right' ? [term.right, d] : [term.left as Float32Array, r];
  let rows = keptRows;
  if (!isIndexed(term)) {
    const [summed, length] = kept === 'right' ? [term.left as Float32Array, r] : [term.right, d];
    const norms = Float32Array.from(rowNorms(summed, { count: samples, length, threads }), Math.sqrt);
    rows = scaleRows(keptRows, norms, { count: samples, length: keptLength, threads });
  }
  gfim(rows, { samples, r: 1, d: keptLength, scale, gramPrecision, accumulate: true, out, threads });
}

function addRows(layer: FactoredLayer, side: GfimSide, { scale, gramPrecision, out, threads }: Sum): void {
  const { samples, r, d } = layer;
  for (const span of sampleSpans(samples, 4 * r * d)) {
    const rows = factoredRows(layer, { ...span, threads });
    gfim(rows, { samples: span.samples, r, d, side, scale, gramPrecision, accumulate: true, out, threads });
  }
}

function addPairs(layer: FactoredLayer, sum: Sum): void {
  const { kept, scale, out, threads } = sum;
  const n = factorLength(layer, kept);
  const added = new Float64Array(n * n);
  const positions = positionsOf(layer);
  for (const { start, samples } of sampleSpans(layer.samples, positions * (4 * positions + 16 * n))) {
    const span = factoredSpan(layer, start, samples);
    for (const x of span.terms) {
      for (const y of span.terms) addPair(span, x, y, kept, added, threads);
    }
  }
  // Symmetric but for rounding: both triangles get the mean.
  for (let i = 0; i < n; ++i) {
    for (let j = 0; j <= i; ++j) {
      const mean = (scale * ((added[i * n + j] as number) + (added[j * n + i] as number))) / 2;
      out[i * n + j]! += mean;
      if (i !== j) out[j * n + i]! += mean;
    }
  }
}

/** added += sum_i X_i' (S_i S_i') Y_i for the kept factors X and Y of two terms, products of positions in float32. */
function addPair(
  layer: FactoredLayer,
  x: FactoredTerm,
  y: FactoredTerm,
  kept: FactorSide,
  added: Float64Array,
  threads: number | undefined,
): void {
  const { samples } = layer;
  const n = factorLength(layer, kept);
  const summed = kept === 'right' ? 'left' : 'right';
  const products = positionProducts(x, y, summed, factorLength(layer, summed), samples, threads);
  const b = denseFactor(y, kept, n);
  const weights = new Float64Array(products);
  const sums = matmul(weights, b, { m: x.positions, k: y.positions, n, batch: samples, threads });
  if (kept === 'left' && isIndexed(x)) {
    for (let row = 0; row < x.left.length; ++row) {
      const to = (x.left[row] as number) * n;
      for (let j = 0; j < n; ++j) added[to + j]! += sums[row * n + j] as number;
    }
    return;
  }
  const options = { m: n, k: samples * x.positions, n, transposeA: true, beta: 1, out: added, threads };
  matmul(denseFactor(x, kept, n), sums, options);
}

/** A factor in float64, unit vectors written out. */
function denseFactor(term: FactoredTerm, side: FactorSide, length: number): Float64Array {
  if (!(side === 'left' && isIndexed(term))) return new Float64Array(term[side]);
  const out = new Float64Array(term.left.length * length);
  term.left.forEach((index, row) => (out[row * length + index] = 1));
  return out;
}
