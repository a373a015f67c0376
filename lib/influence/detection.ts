// How well scores find samples that are known to be bad (influence.md: mislabelled-data detection).
import { GradsiftError } from '../errors.js';
import { averageRanks } from './rank-agreement.js';

function requireMarks(scores: ArrayLike<number>, marked: ArrayLike<number | boolean>): number {
  if (scores.length !== marked.length) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `marked: expected one for each of ${scores.length} scores, got ${marked.length}`,
    );
  }
  let count = 0;
  for (let i = 0; i < scores.length; ++i) {
    if (Number.isNaN(scores[i])) {
      throw new GradsiftError('GRADSIFT_NON_FINITE', `scores: sample ${i} has none (NaN); leave it out of both lists`);
    }
    if (marked[i]) ++count;
  }
  return count;
}

/**
 * found[k]: the share of the marked samples among the k highest scores, k = 0 .. samples; equal scores by index. A
 * perfect order rises to 1 at the share of marked samples, a random one is the diagonal. NaN throughout when none is
 * marked.
 */
export function detectionCurve(scores: ArrayLike<number>, marked: ArrayLike<number | boolean>): Float64Array {
  const total = requireMarks(scores, marked);
  const order = Uint32Array.from({ length: scores.length }, (_, index) => index);
  order.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const found = new Float64Array(scores.length + 1);
  let count = 0;
  found[0] = 0 / total;
  for (let k = 0; k < order.length; ++k) {
    if (marked[order[k] as number]) ++count;
    found[k + 1] = count / total;
  }
  return found;
}

/**
 * Area under the ROC curve: the probability that a marked sample scores above an unmarked one, ties counting one half.
 * From the rank sum (Mann and Whitney). null, undefined, when all samples or none are marked.
 */
export function rocAuc(scores: ArrayLike<number>, marked: ArrayLike<number | boolean>): number | null {
  const count = requireMarks(scores, marked);
  const others = scores.length - count;
  if (count === 0 || others === 0) return null;
  const ranks = averageRanks(scores);
  let sum = 0;
  for (let i = 0; i < ranks.length; ++i) if (marked[i]) sum += ranks[i] as number;
  return (sum - (count * (count + 1)) / 2) / (count * others);
}
