// Per-sample gradients as the factors that a backward pass has anyway: what entered a layer, and the gradient of what
// left it. A weight matrix of r x d entries then costs a sample positions x (r + d) numbers, not r x d.
import { GradsiftError, mismatch, requireInteger, show } from '../errors.js';
import { matmul } from '../linalg/matmul.js';

/** One use of a weight: sum over the positions t of left[i, t, :]' right[i, t, :]. */
export interface FactoredTerm {
  /** Places of one sample where the weight was used: tokens of a sequence, or 1. */
  readonly positions: number;
  /** [samples, positions, r]; or [samples, positions] integers: the one entry that is 1, all others being 0. */
  readonly left: Float32Array | Int32Array;
  /** [samples, positions, d] */
  readonly right: Float32Array;
}

/** Gradients of one weight, g_i = sum over the terms, each r x d; a tied weight has several. */
export interface FactoredLayer {
  readonly name: string;
  readonly samples: number;
  /** Out-features, LoRA rank or vocabulary; 1 for biases and scales. */
  readonly r: number;
  /** In-features or width. */
  readonly d: number;
  readonly terms: readonly FactoredTerm[];
}

/** Which samples of a layer to form, and where. */
export interface FactoredRowsOptions {
  /** First sample; default 0. */
  readonly start?: number | undefined;
  /** Default: all from `start`. */
  readonly samples?: number | undefined;
  /** Receives [samples, r, d]; allocated when absent. */
  readonly out?: Float32Array | undefined;
  readonly threads?: number | undefined;
}

/** Whether the left factor is given as indices. */
export function isIndexed(term: FactoredTerm): term is FactoredTerm & { readonly left: Int32Array } {
  return term.left[Symbol.toStringTag] === 'Int32Array';
}

/** Positions of a sample in all terms. */
export function positionsOf({ terms }: FactoredLayer): number {
  return terms.reduce((sum, { positions }) => sum + positions, 0);
}

/**
 * Throws unless the factors have the lengths that their layer says, and indices lie in 0..r-1.
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming layer and factor
 */
export function requireFactored(layer: FactoredLayer): void {
  const { name, samples, r, d, terms } = layer;
  const at = `layer ${show(name)}`;
  for (const [key, size] of Object.entries({ samples, r, d })) requireInteger(`${at}: ${key}`, size, 1);
  if (!(Array.isArray(terms) && terms.length > 0)) {
    throw mismatch('GRADSIFT_ARGUMENT', `${at}: terms`, 'at least one', terms);
  }
  for (const term of terms as readonly FactoredTerm[]) {
    const { positions, left, right } = term;
    requireInteger(`${at}: positions`, positions, 1);
    const tags = [left, right].map((array) => (ArrayBuffer.isView(array) ? array[Symbol.toStringTag] : ''));
    if (tags[0] !== 'Float32Array' && tags[0] !== 'Int32Array') {
      throw mismatch('GRADSIFT_DTYPE', `${at}: left`, 'a Float32Array or Int32Array', left);
    }
    if (tags[1] !== 'Float32Array') throw mismatch('GRADSIFT_DTYPE', `${at}: right`, 'a Float32Array', right);
    const wanted = { left: samples * positions * (isIndexed(term) ? 1 : r), right: samples * positions * d };
    for (const key of ['left', 'right'] as const) {
      if (term[key].length === wanted[key]) continue;
      throw new GradsiftError('GRADSIFT_SHAPE', `${at}: ${key}: expected ${wanted[key]}, got ${term[key].length}`);
    }
    if (isIndexed(term)) for (const index of term.left) requireInteger(`${at}: an index`, index, 0, r - 1);
  }
}

/**
 * Forms the gradients: out[i] = sum over the terms and positions t of left[i, t, :]' right[i, t, :], in float32.
 *
 * @returns [samples, r, d], row-major: what {@link openGradients} takes, what a store holds
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the argument
 */
export function factoredRows(layer: FactoredLayer, options: FactoredRowsOptions = {}): Float32Array {
  const { r, d, terms } = layer;
  const { start = 0, threads } = options;
  requireInteger('start', start, 0, layer.samples);
  const { samples = layer.samples - start } = options;
  requireInteger('samples', samples, 0, layer.samples - start);
  const { out = new Float32Array(samples * r * d) } = options;
  if (out.length < samples * r * d) throw mismatch('GRADSIFT_SHAPE', 'out', `${samples * r * d} numbers`, out);
  let beta = 0;
  // Those that are added by indices come last, onto zeros or onto the products.
  for (const term of [...terms].sort((a, b) => Number(isIndexed(a)) - Number(isIndexed(b)))) {
    const { positions, left, right } = term;
    if (isIndexed(term)) {
      if (beta === 0) out.fill(0, 0, samples * r * d);
      addIndexed(term, { start, samples, r, d }, out);
    } else {
      const from = start * positions;
      const a = (left as Float32Array).subarray(from * r);
      matmul(a, right.subarray(from * d), {
        m: r,
        k: positions,
        n: d,
        batch: samples,
        transposeA: true,
        beta,
        out,
        threads,
      });
    }
    beta = 1;
  }
  return out;
}

interface Span {
  readonly start: number;
  readonly samples: number;
  readonly r: number;
  readonly d: number;
}

function addIndexed({ positions, left, right }: FactoredTerm, { start, samples, r, d }: Span, out: Float32Array): void {
  for (let at = start * positions; at < (start + samples) * positions; ++at) {
    const sample = Math.floor(at / positions) - start;
    const to = (sample * r + (left[at] as number)) * d;
    for (let j = 0; j < d; ++j) out[to + j]! += right[at * d + j] as number;
  }
}

/** Bytes of gradients formed at a time: enough for the products to run at full speed, little beside a model. */
const BLOCK_BYTES = 32 << 20;

/** Consecutive spans of samples for which `bytes` a sample stay within a fixed budget. */
export function* sampleSpans(samples: number, bytes: number): Generator<{ start: number; samples: number }, undefined> {
  const most = Math.max(1, Math.floor(BLOCK_BYTES / bytes));
  for (let start = 0; start < samples; start += most) yield { start, samples: Math.min(most, samples - start) };
}

/** The same gradients of fewer samples: views, nothing is copied. */
export function factoredSpan(layer: FactoredLayer, start: number, samples: number): FactoredLayer {
  const { r, d } = layer;
  const terms = layer.terms.map((term) => {
    const [first, last] = [start * term.positions, (start + samples) * term.positions];
    const width = isIndexed(term) ? 1 : r;
    const left = term.left.subarray(first * width, last * width);
    return { positions: term.positions, left, right: term.right.subarray(first * d, last * d) };
  });
  return { ...layer, samples, terms };
}
