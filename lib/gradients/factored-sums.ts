// Sums of factored gradients over groups of samples: the gradient of each domain of a batch, without any sample's.
import { mismatch, requireInteger, show } from '../errors.js';
import { matmul } from '../linalg/matmul.js';
import { scaleRows } from '../linalg/scale-rows.js';
import type { CallOptions } from '../native/calls.js';
import { isIndexed, requireFactored, type FactoredLayer, type FactoredTerm } from './factored.js';

/** Which samples are summed, and with what factors. */
export interface FactoredSumsOptions extends CallOptions {
  /** Number of sums; default 1. */
  readonly groups?: number | undefined;
  /** Group 0..groups-1 of each sample, or -1 for none; default all 0. */
  readonly groupOf?: ArrayLike<number> | undefined;
  /** Factor of each sample; default 1. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Factor of each sum; default 1. */
  readonly scales?: ArrayLike<number> | undefined;
  /** Receives [groups, r, d]; allocated when absent. */
  readonly out?: Float32Array | undefined;
}

/**
 * Weighted sums of the gradients of each group of samples, scales[group] sum_{i in group} weights[i] g_i: rows are put
 * in the order of their groups (and stay where they are if they lie so), and a group is a product, left' right, over
 * all its samples and positions: one batched product where groups have one size.
 *
 * @returns [groups, r, d]; zeros for a group without samples
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the argument
 */
export function factoredSums(layer: FactoredLayer, options: FactoredSumsOptions = {}): Float32Array {
  requireFactored(layer);
  const { samples, r, d } = layer;
  const { groups = 1, groupOf, weights, scales, threads } = options;
  requireInteger('groups', groups, 1);
  const members = samplesOfGroups(samples, groups, groupOf);
  requireCount('weights', weights, samples);
  requireCount('scales', scales, groups);
  const { out = new Float32Array(groups * r * d) } = options;
  if (out.length !== groups * r * d) throw mismatch('GRADSIFT_SHAPE', 'out', `${groups * r * d} numbers`, out);
  // Products overwrite, what is indexed adds.
  const terms = [...layer.terms].sort((a, b) => Number(isIndexed(a)) - Number(isIndexed(b)));
  const onZeros = isIndexed(terms[0] as FactoredTerm);
  for (const { first, count, group } of batchesOf(members, scales)) {
    const target = out.subarray(first * r * d, (first + count) * r * d);
    if (group.length === 0 || onZeros) target.fill(0);
    if (group.length === 0) continue;
    terms.forEach((term, place) => {
      const sum = {
        group,
        count,
        weights,
        scale: scales?.[first] ?? 1,
        beta: place === 0 ? 0 : 1,
        out: target,
        threads,
      };
      addTerm(layer, term, sum);
    });
  }
  return out;
}

/** Groups of one size and scale are one batched product; others a product each. `group` has their samples in order. */
function batchesOf(members: readonly number[][], scales: ArrayLike<number> | undefined) {
  const alike = members.every(
    (group, index) => group.length === members[0]?.length && (scales?.[index] ?? 1) === (scales?.[0] ?? 1),
  );
  if (alike) return [{ first: 0, count: members.length, group: members.flat() }];
  return members.map((group, index) => ({ first: index, count: 1, group }));
}

function requireCount(name: string, values: ArrayLike<number> | undefined, count: number): void {
  if (values !== undefined && values.length !== count)
    throw mismatch('GRADSIFT_SHAPE', name, `${count} numbers`, values);
}

/** Indices of the samples of each group. */
function samplesOfGroups(samples: number, groups: number, groupOf: ArrayLike<number> | undefined): number[][] {
  const members = Array.from({ length: groups }, (): number[] => []);
  requireCount('groupOf', groupOf, samples);
  for (let i = 0; i < samples; ++i) {
    const group = groupOf?.[i] ?? 0;
    requireInteger(`groupOf[${i}]`, group, -1, groups - 1);
    members[group]?.push(i);
  }
  return members;
}

interface Sum {
  /** The samples of `count` groups of one size. */
  readonly group: readonly number[];
  readonly count: number;
  readonly weights: ArrayLike<number> | undefined;
  readonly scale: number;
  readonly beta: number;
  readonly out: Float32Array;
  readonly threads: number | undefined;
}

function addTerm({ r, d }: FactoredLayer, term: FactoredTerm, sum: Sum): void {
  const { group, count, weights, scale, beta, out, threads } = sum;
  const { positions } = term;
  const k = (group.length / count) * positions;
  const right = weights
    ? weighted(term.right, group, positions * d, weights, threads)
    : take(term.right, group, positions * d);
  if (isIndexed(term)) {
    const left = take(term.left, group, positions);
    for (let row = 0; row < left.length; ++row) {
      const to = (Math.floor(row / k) * r + (left[row] as number)) * d;
      for (let j = 0; j < d; ++j) out[to + j]! += scale * (right[row * d + j] as number);
    }
    return;
  }
  const left = take(term.left as Float32Array, group, positions * r);
  matmul(left, right, { m: r, k, n: d, batch: count, transposeA: true, alpha: scale, beta, out, threads });
}

/** The rows of samples, `length` numbers each: where they are, if the samples follow each other. */
function take<Rows extends Float32Array | Int32Array>(rows: Rows, group: readonly number[], length: number): Rows {
  const first = group[0] as number;
  if (group.every((sample, index) => sample === first + index)) {
    return rows.subarray(first * length, (first + group.length) * length) as Rows;
  }
  const out = new (rows.constructor as new (length: number) => Rows)(group.length * length);
  group.forEach((sample, index) => out.set(rows.subarray(sample * length, (sample + 1) * length), index * length));
  return out;
}

function weighted(
  rows: Float32Array,
  group: readonly number[],
  length: number,
  weights: ArrayLike<number>,
  threads: number | undefined,
): Float32Array {
  const scales = Float32Array.from(group, (sample) => weights[sample] as number);
  return scaleRows(take(rows, group, length), scales, { count: group.length, length, threads });
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

/** Options of {@link domainGradients}. */
export interface DomainGradientsOptions extends CallOptions {
  /** The order of the result, also of domains that the batch has no sample of; default: those of the batch. */
  readonly domains?: readonly string[] | undefined;
  /** Receives the gradients, by layer name, [domains, r, d]: an earlier result's. Allocated when absent. */
  readonly out?: DomainGradients['layers'] | undefined;
}

/**
 * The mean gradient of each domain: products over rows grouped by domain, see {@link factoredSums}.
 *
 * @param domainOf the domain of every sample
 * @returns zeros for a domain without samples
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_SHAPE, naming the argument
 */
export function domainGradients(
  layers: readonly FactoredLayer[],
  domainOf: readonly string[],
  { domains = [...new Set(domainOf)], out, threads }: DomainGradientsOptions = {},
): DomainGradients {
  for (const { name, samples } of layers) {
    if (domainOf.length !== samples) {
      throw mismatch(
        'GRADSIFT_SHAPE',
        'domainOf',
        `a domain for each of the ${samples} samples of ${show(name)}`,
        domainOf,
      );
    }
  }
  const places = new Map(domains.map((domain, place) => [domain, place]));
  if (places.size < domains.length) throw mismatch('GRADSIFT_ARGUMENT', 'domains', 'different names', domains);
  const groupOf = domainOf.map((domain) => {
    const place = places.get(domain);
    if (place === undefined)
      throw mismatch('GRADSIFT_ARGUMENT', 'domainOf', `one of ${domains.map(show).join(', ')}`, domain);
    return place;
  });
  const counts = domains.map((_, place) => groupOf.filter((group) => group === place).length);
  const scales = counts.map((count) => 1 / Math.max(1, count));
  const sums = layers.map((layer) => {
    const options = { groups: domains.length, groupOf, scales, out: out?.[layer.name], threads };
    return [layer.name, factoredSums(layer, options)] as const;
  });
  return { domains, counts, layers: Object.fromEntries(sums) };
}
