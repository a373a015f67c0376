import { GradsiftError } from '../errors.js';

/** Ranks from 1, ascending; equal values share the mean of their ranks. */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, index) => index);
  order.sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float64Array(values.length);
  for (let first = 0; first < order.length;) {
    let end = first + 1;
    while (end < order.length && values[order[end] as number] === values[order[first] as number]) ++end;
    for (let k = first; k < end; ++k) ranks[order[k] as number] = (first + 1 + end) / 2;
    first = end;
  }
  return ranks;
}

/** A rank correlation, or the reason why there is none. */
export interface RankAgreement {
  /** Spearman's rho in [-1, 1]: Pearson's correlation of the average ranks. null when undefined. */
  readonly spearman: number | null;
  /** Pairs of numbers it is taken over: pairs with NaN are left out. */
  readonly pairs: number;
  readonly undefinedBecause: 'fewer than two pairs' | 'one side is constant' | null;
}

/**
 * How far two lists of scores order the same samples alike. Against the outcomes of retrained models this is the linear
 * datamodelling score.
 * @throws GradsiftError GRADSIFT_SHAPE for lists of different lengths
 */
export function rankAgreement(a: ArrayLike<number>, b: ArrayLike<number>): RankAgreement {
  if (a.length !== b.length) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `rankAgreement: expected lists of one length, got ${a.length} and ${b.length}`,
    );
  }
  const both: number[] = [];
  for (let i = 0; i < a.length; ++i) if (!Number.isNaN(a[i]) && !Number.isNaN(b[i])) both.push(i);
  const pairs = both.length;
  if (pairs < 2) return { spearman: null, pairs, undefinedBecause: 'fewer than two pairs' };
  const x = averageRanks(both.map((i) => a[i] as number));
  const y = averageRanks(both.map((i) => b[i] as number));
  const mean = (pairs + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < pairs; ++i) {
    const [dx, dy] = [(x[i] as number) - mean, (y[i] as number) - mean];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  if (xx === 0 || yy === 0) return { spearman: null, pairs, undefinedBecause: 'one side is constant' };
  return { spearman: xy / Math.sqrt(xx * yy), pairs, undefinedBecause: null };
}
