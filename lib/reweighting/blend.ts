// The order in which Megatron-LM blends datasets (build_blending_indices, d98e8a64).
import { GradsiftError, requireInteger } from '../errors.js';
import { readAllNumbers, readWeights, requireNames, type DomainNumbers, type DomainWeights } from './domains.js';

/** A stretch of a blend. */
export interface Blend {
  /** The domain of each sample, as its place among the names of the weights. */
  readonly order: Uint32Array;
  /** Samples of each domain so far, those before this stretch included: what the next stretch goes on from. */
  readonly counts: DomainNumbers;
}

/**
 * Sample n comes from the domain that is furthest behind: the largest w_i max(n, 1) - count_i, ties to the first. The
 * weights are divided by their sum twice in float64, as Megatron does, so that the order is its order to the last tie.
 *
 * Domains of weight 0 are left out, as exports leave them out: the bare rule would draw one at a tie.
 *
 * @param weights on the simplex
 * @param samples how many to place
 * @param counts of an earlier stretch with the same weights; default: the beginning
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE
 */
export function megatronBlend(weights: DomainWeights, samples: number, counts?: DomainNumbers): Blend {
  const names = Object.keys(weights);
  requireNames('weights', names);
  requireInteger('samples', samples, 0);
  const shares = normalised(normalised(Float64Array.from(readWeights('weights', weights, names))));
  const taken = counts === undefined ? names.map(() => 0) : readAllNumbers('counts', counts, names);
  taken.forEach((count, index) => requireInteger(`counts.${names[index]}`, count, 0));
  let n = taken.reduce((sum, count) => sum + count, 0);
  if (!Number.isSafeInteger(n + samples)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `samples: expected fewer than 2^53 in all, got ${n + samples}`);
  }
  const order = Uint32Array.from({ length: samples }, () => {
    const scale = Math.max(n++, 1);
    let best = 0;
    let most = -Infinity;
    for (let i = 0; i < names.length; ++i) {
      const behind = (shares[i] as number) * scale - (taken[i] as number);
      if (shares[i] !== 0 && behind > most) [best, most] = [i, behind];
    }
    taken[best]! += 1;
    return best;
  });
  return { order, counts: Object.fromEntries(names.map((name, index) => [name, taken[index] as number])) };
}

function normalised(weights: Float64Array): Float64Array {
  const sum = pairwiseSum(weights);
  return weights.map((weight) => weight / sum);
}

/** numpy.sum: in order below 8 numbers, by eight partial sums up to 128, halves beyond. */
function pairwiseSum(x: Float64Array): number {
  if (x.length < 8) return x.reduce((sum, value) => sum + value, 0);
  if (x.length > 128) {
    const half = Math.floor(x.length / 2);
    const middle = half - (half % 8);
    return pairwiseSum(x.subarray(0, middle)) + pairwiseSum(x.subarray(middle));
  }
  const whole = x.length - (x.length % 8);
  const r = x.slice(0, 8);
  for (let i = 8; i < whole; ++i) r[i % 8]! += x[i] as number;
  const [a, b, c, d, e, f, g, h] = r as unknown as [number, number, number, number, number, number, number, number];
  return x.subarray(whole).reduce((sum, value) => sum + value, a + b + (c + d) + (e + f + (g + h)));
}
