// Sums of factored gradients over groups of samples: the gradient of each domain of a batch, without any sample's.
import { mismatch, requireInteger } from '../errors.js';
import { matmul } from '../linalg/matmul.js';
import type { CallOptions } from '../native/calls.js';
import { isIndexed, requireFactored, type FactoredLayer, type FactoredTerm } from './factored.js';

/** Which samples are summed, and with what weights. */
export interface FactoredSumsOptions extends CallOptions {
  /** Number of sums; default 1. */
  readonly groups?: number | undefined;
  /** Group 0..groups-1 of each sample, or -1 for none; default all 0. */
  readonly groupOf?: ArrayLike<number> | undefined;
  /** Factor of each sample; default 1. */
  readonly weights?: ArrayLike<number> | undefined;
}

/**
 * Weighted sums of the gradients of each group of samples, sum_{i in group} weights[i] g_i: rows are put in the order
 * of their groups, and a group is one product, left' right, over all its samples and positions.
 *
 * @returns [groups, r, d]; zeros for a group without samples
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the argument
 */
export function factoredSums(layer: FactoredLayer, options: FactoredSumsOptions = {}): Float32Array {
  requireFactored(layer);
  const { samples, r, d } = layer;
  const { groups = 1, groupOf, weights, threads } = options;
  requireInteger('groups', groups, 1);
  const members = samplesOfGroups(samples, groups, groupOf);
  if (weights !== undefined && weights.length !== samples) {
    throw mismatch('GRADSIFT_SHAPE', 'weights', `one for each of ${samples} samples`, weights);
  }
  const out = new Float32Array(groups * r * d);
  members.forEach((group, index) => {
    const target = out.subarray(index * r * d, (index + 1) * r * d);
    for (const term of layer.terms) addTerm(layer, term, group, weights, target, threads);
  });
  return out;
}

/** Indices of the samples of each group. */
function samplesOfGroups(samples: number, groups: number, groupOf: ArrayLike<number> | undefined): number[][] {
  const members = Array.from({ length: groups }, (): number[] => []);
  if (groupOf !== undefined && groupOf.length !== samples) {
    throw mismatch('GRADSIFT_SHAPE', 'groupOf', `one for each of ${samples} samples`, groupOf);
  }
  for (let i = 0; i < samples; ++i) {
    const group = groupOf?.[i] ?? 0;
    requireInteger(`groupOf[${i}]`, group, -1, groups - 1);
    members[group]?.push(i);
  }
  return members;
}

function addTerm(
  { r, d, samples }: FactoredLayer,
  term: FactoredTerm,
  group: readonly number[],
  weights: ArrayLike<number> | undefined,
  out: Float32Array,
  threads: number | undefined,
): void {
  const { positions } = term;
  const inOrder = group.length === samples;
  const right = inOrder && !weights ? term.right : gather(term.right, group, positions * d, weights);
  if (isIndexed(term)) {
    const left = inOrder ? term.left : gatherIndices(term.left, group, positions);
    for (let row = 0; row < left.length; ++row) {
      const to = (left[row] as number) * d;
      for (let j = 0; j < d; ++j) out[to + j]! += right[row * d + j] as number;
    }
    return;
  }
  const left = inOrder ? (term.left as Float32Array) : gather(term.left as Float32Array, group, positions * r);
  const k = group.length * positions;
  if (k > 0) matmul(left, right, { m: r, k, n: d, transposeA: true, beta: 1, out, threads });
}

function gather(
  rows: Float32Array,
  group: readonly number[],
  length: number,
  weights?: ArrayLike<number>,
): Float32Array {
  const out = new Float32Array(group.length * length);
  group.forEach((sample, index) => {
    out.set(rows.subarray(sample * length, (sample + 1) * length), index * length);
    if (weights === undefined) return;
    const weight = weights[sample] as number;
    for (let at = index * length; at < (index + 1) * length; ++at) out[at]! *= weight;
  });
  return out;
}

function gatherIndices(indices: Int32Array, group: readonly number[], positions: number): Int32Array {
  const out = new Int32Array(group.length * positions);
  group.forEach((sample, index) => {
    out.set(indices.subarray(sample * positions, (sample + 1) * positions), index * positions);
  });
  return out;
}

/** Mean gradients of the domains of a batch. */
export interface DomainGradients {
  /** In the order of their first sample. */
  readonly domains: readonly string[];
  /** Samples of each. */
  readonly counts: readonly number[];
  /** By layer name, [domains, r, d]. */
  readonly layers: Readonly<Record<string, Float32Array>>;
}

/**
 * The mean gradient of each domain: one product a domain and layer, over rows grouped by domain.
 *
 * @param domainOf the domain of every sample
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the argument
 */
export function domainGradients(
  layers: readonly FactoredLayer[],
  domainOf: readonly string[],
  { threads }: CallOptions = {},
): DomainGradients {
  const domains = [...new Set(domainOf)];
  const groupOf = domainOf.map((domain) => domains.indexOf(domain));
  const counts = domains.map((domain) => domainOf.filter((name) => name === domain).length);
  const weights = groupOf.map((group) => 1 / (counts[group] as number));
  const sums = layers.map((layer) => {
    const options = { groups: domains.length, groupOf, weights, threads };
    return [layer.name, factoredSums(layer, options)] as const;
  });
  return { domains, counts, layers: Object.fromEntries(sums) };
}
