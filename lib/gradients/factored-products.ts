// Norms and inner products of factored gradients. Each is formed the cheaper of two ways: from products between
// positions, or from the rows themselves, a block of samples at a time.
import { GradsiftError, mismatch, requireInteger, show } from '../errors.js';
import { matmul } from '../linalg/matmul.js';
import { rowDots, rowNorms } from '../linalg/rows.js';
import type { FloatArray } from '../native/binding.js';
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
import { positionProducts } from './position-products.js';

/** Samples that all layers have. */
export function requireSameSamples(layers: readonly FactoredLayer[]): number {
  const first = layers[0];
  if (first === undefined) throw mismatch('GRADSIFT_ARGUMENT', 'layers', 'at least one', layers);
  for (const layer of layers) {
    requireFactored(layer);
    if (layer.samples === first.samples) continue;
    throw mismatch('GRADSIFT_SHAPE', `layer ${show(layer.name)}: samples`, `${first.samples}`, layer.samples);
  }
  return first.samples;
}

/**
 * Squared norm of every sample's gradient over all the layers: out[i] = sum_l ||g_{i,l}||^2, by
 *   ||g_i||^2 = sum_{t,s} <left_t, left_s> <right_t, right_s>
 *
 * @returns [samples]
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the layer
 */
export function factoredNorms(layers: readonly FactoredLayer[], { threads }: CallOptions = {}): Float64Array {
  const samples = requireSameSamples(layers);
  const total = new Float64Array(samples);
  for (const layer of layers) {
    const norms = layerNorms(layer, threads);
    for (let i = 0; i < samples; ++i) total[i]! += norms[i] as number;
  }
  return total;
}

function layerNorms(layer: FactoredLayer, threads: number | undefined): Float64Array {
  const { samples, r, d, terms } = layer;
  const [only] = terms as readonly [FactoredTerm];
  if (positionsOf(layer) === 1) {
    const norms = rowNorms(only.right, { count: samples, length: d, threads });
    if (isIndexed(only)) return norms;
    const left = rowNorms(only.left as Float32Array, { count: samples, length: r, threads });
    return norms.map((norm, i) => norm * (left[i] as number));
  }
  const out = new Float64Array(samples);
  const positions = positionsOf(layer);
  if (rowsAreCheaper(layer)) {
    for (const span of sampleSpans(samples, 4 * r * d)) {
      const rows = factoredRows(layer, { ...span, threads });
      rowNorms(rows, { count: span.samples, length: r * d, out: out.subarray(span.start), threads });
    }
    return out;
  }
  for (const { start, samples: count } of sampleSpans(samples, 8 * positions * positions)) {
    addPairs(factoredSpan(layer, start, count), out.subarray(start), threads);
  }
  // Where all cancels, rounding may leave less than nothing.
  return out.map((norm) => (norm < 0 ? 0 : norm));
}

/** out[i] += sum over pairs of positions, of all pairs of terms. */
function addPairs(layer: FactoredLayer, out: Float64Array, threads: number | undefined): void {
  const { samples, r, d, terms } = layer;
  for (const x of terms) {
    for (const y of terms) {
      const left = positionProducts(x, y, 'left', r, samples, threads);
      const right = positionProducts(x, y, 'right', d, samples, threads);
      const pairs = x.positions * y.positions;
      for (let i = 0; i < samples; ++i) {
        let sum = 0;
        for (let at = i * pairs; at < (i + 1) * pairs; ++at) sum += (left[at] as number) * (right[at] as number);
        out[i]! += sum;
      }
    }
  }
}

/** Whether r x d is smaller than what the pairs of positions cost: positions x (r + d), less where units are added. */
function rowsAreCheaper(layer: FactoredLayer): boolean {
  const { r, d } = layer;
  const positions = positionsOf(layer);
  return layer.terms.every(isIndexed) ? r <= positions : r * d <= positions * (r + d);
}

/** h of {@link factoredDots}: for each layer, by name, [queries, r, d]. */
export type LayerArrays = Readonly<Record<string, FloatArray>>;

/** Options of {@link factoredDots}. */
export interface FactoredDotsOptions extends CallOptions {
  /** Directions in each array of h; default 1. */
  readonly queries?: number | undefined;
}

/**
 * Alignments of every sample with given directions: out[q][i] = sum_l <h_{q,l}, g_{i,l}>_F, by
 *   <h, g_i> = sum_t left_t h right_t'
 * in float32, summed over positions and layers in float64.
 *
 * @param h for each of the layers, by name, [queries, r, d]
 * @returns [queries, samples]
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the layer
 */
export function factoredDots(
  layers: readonly FactoredLayer[],
  h: LayerArrays,
  { queries = 1, threads }: FactoredDotsOptions = {},
): Float64Array {
  requireInteger('queries', queries, 1);
  const samples = requireSameSamples(layers);
  const out = new Float64Array(queries * samples);
  for (const layer of layers) {
    const directions = h[layer.name];
    const length = queries * layer.r * layer.d;
    if (directions?.length !== length) {
      throw mismatch('GRADSIFT_SHAPE', `h: layer ${show(layer.name)}`, `${length} numbers`, directions);
    }
    if (dotsByRows(layer, queries)) addRowDots(layer, directions, queries, out, threads);
    else addFactorDots(layer, directions, queries, out, threads);
  }
  return out;
}

/** Forming the rows costs as much as one query: with positions to sum over, it pays for several, or for short rows. */
function dotsByRows({ r, d, terms }: FactoredLayer, queries: number): boolean {
  return terms.every(
    (term) => term.positions > 1 && !isIndexed(term) && (queries > 1 || Math.max(r, d) <= 2 * term.positions),
  );
}

function addRowDots(
  layer: FactoredLayer,
  directions: FloatArray,
  queries: number,
  out: Float64Array,
  threads: number | undefined,
): void {
  const { samples, r, d } = layer;
  const h = new Float64Array(directions);
  for (const span of sampleSpans(samples, 4 * r * d)) {
    const rows = factoredRows(layer, { ...span, threads });
    const { start, samples: count } = span;
    const to = out.subarray(start);
    rowDots(rows, h, { count, length: r * d, queries, beta: 1, out: to, outStride: samples, threads });
  }
}

function addFactorDots(
  layer: FactoredLayer,
  directions: FloatArray,
  queries: number,
  out: Float64Array,
  threads: number | undefined,
): void {
  const { samples, r, d, terms } = layer;
  const h = directions.BYTES_PER_ELEMENT === 4 ? (directions as Float32Array) : new Float32Array(directions);
  for (const term of terms) {
    const { positions, right } = term;
    for (let q = 0; q < queries; ++q) {
      const direction = h.subarray(q * r * d, (q + 1) * r * d);
      const to = out.subarray(q * samples, (q + 1) * samples);
      if (isIndexed(term)) {
        addDots(right, direction, (row) => (term.left[row] as number) * d, { positions, d }, to);
        continue;
      }
      addProductDots(layer, term as DenseTerm, direction, to, threads);
    }
  }
}

type DenseTerm = FactoredTerm & { readonly left: Float32Array };

/** <h, g_i> = sum_t <left_t h, right_t> = sum_t <left_t, right_t h'>: the products of the shorter side. */
function addProductDots(
  { samples, r, d }: FactoredLayer,
  { positions, left, right }: DenseTerm,
  h: Float32Array,
  out: Float64Array,
  threads: number | undefined,
): void {
  const [from, to, k, n] = r < d ? [right, left, d, r] : [left, right, r, d];
  for (const { start, samples: count } of sampleSpans(samples, 4 * positions * n)) {
    const [m, first] = [count * positions, start * positions];
    const products = matmul(from.subarray(first * k), h, { m, k, n, transposeB: r < d, threads });
    const block = to.subarray(first * n, (first + m) * n);
    addDots(block, products, (row) => row * n, { positions, d: n }, out.subarray(start));
  }
}

/** out[i] += sum over the rows of sample i of <x[row], y[at(row)..]> */
function addDots(
  x: Float32Array,
  y: Float32Array,
  at: (row: number) => number,
  { positions, d }: { positions: number; d: number },
  out: Float64Array,
): void {
  for (let row = 0; row * d < x.length; ++row) {
    const from = row * d;
    const to = at(row);
    let sum = 0;
    for (let j = 0; j < d; ++j) sum += (x[from + j] as number) * (y[to + j] as number);
    out[Math.floor(row / positions)]! += sum;
  }
}

/**
 * Inner products of the gradients of every pair of samples: out[i][j] = sum_l <g_{i,l}, g'_{j,l}>_F, by
 *   <g_i, g'_j> = sum_{t,s} <left_it, left'_js> <right_it, right'_js>
 *
 * @param layers of n samples; @param others the same layers of m samples, default `layers`
 * @returns [n, m]
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the layer
 */
export function factoredGram(
  layers: readonly FactoredLayer[],
  others: readonly FactoredLayer[] = layers,
  { threads }: CallOptions = {},
): Float64Array {
  const samples = requireSameSamples(layers);
  const columns = requireSameSamples(others);
  const out = new Float64Array(samples * columns);
  for (const layer of layers) {
    const other = others.find(({ name }) => name === layer.name);
    if (!(other?.r === layer.r && other.d === layer.d)) {
      const problem = `others: layer ${show(layer.name)}: expected one of ${layer.r} x ${layer.d}`;
      throw new GradsiftError('GRADSIFT_SHAPE', `${problem}, got ${other ? `${other.r} x ${other.d}` : 'none'}`);
    }
    if (positionsOf(layer) * positionsOf(other) * (layer.r + layer.d) < layer.r * layer.d) {
      addGramByPairs(layer, other, out, threads);
    } else {
      addGramByRows(layer, other, out, threads);
    }
  }
  return out;
}

/** All positions of all samples against all of the others', a block of these at a time. */
function addGramByPairs(
  layer: FactoredLayer,
  other: FactoredLayer,
  out: Float64Array,
  threads: number | undefined,
): void {
  const { samples, r, d } = layer;
  const together = (term: FactoredTerm, count: number) => ({ ...term, positions: count * term.positions });
  for (const span of sampleSpans(other.samples, 8 * samples * positionsOf(layer) * positionsOf(other))) {
    for (const x of layer.terms) {
      for (const term of factoredSpan(other, span.start, span.samples).terms) {
        const y = together(term, span.samples);
        const left = positionProducts(together(x, samples), y, 'left', r, 1, threads);
        const right = positionProducts(together(x, samples), y, 'right', d, 1, threads);
        for (let row = 0; row < samples * x.positions; ++row) {
          const to = Math.floor(row / x.positions) * other.samples + span.start;
          for (let j = 0, at = row * y.positions; j < span.samples; ++j) {
            let sum = 0;
            for (const end = at + term.positions; at < end; ++at) {
              sum += (left[at] as number) * (right[at] as number);
            }
            out[to + j]! += sum;
          }
        }
      }
    }
  }
}

/** Each sample of the others is a query, formed a block at a time, against the factors of these. */
function addGramByRows(
  layer: FactoredLayer,
  other: FactoredLayer,
  out: Float64Array,
  threads: number | undefined,
): void {
  const { name, samples, r, d } = layer;
  for (const { start, samples: count } of sampleSpans(other.samples, 4 * r * d)) {
    const h = factoredRows(other, { start, samples: count, threads });
    const dots = factoredDots([layer], { [name]: h }, { queries: count, threads });
    for (let at = 0; at < dots.length; ++at) {
      const [j, i] = [Math.floor(at / samples), at % samples];
      out[i * other.samples + start + j]! += dots[at] as number;
    }
  }
}
