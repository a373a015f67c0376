import { GradsiftError, requireInteger } from '../errors.js';
import { byName, readWeights, requireNames, total, type DomainWeights } from './domains.js';

/**
 * Whole numbers that sum to `count` and follow the weights: Hamilton's method. Each domain gets the whole part of
 * count w_i, then one more in order of the largest remainder, ties to the first; so each is within 1 of count w_i.
 *
 * @param weights on the simplex
 * @param count >= 0
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE
 */
export function apportion(weights: DomainWeights, count: number): Record<string, number> {
  const names = Object.keys(weights);
  requireNames('weights', names);
  return byName(names, hamilton(readWeights('weights', weights, names), count));
}

/** {@link apportion} of a vector on the simplex. */
export function hamilton(weights: readonly number[], count: number): number[] {
  requireInteger('count', count, 0);
  const quotas = weights.map((weight) => weight * count);
  const counts = quotas.map(Math.floor);
  const left = count - total(counts);
  if (!(left >= 0 && left <= weights.length)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `count: ${count} is beyond what float64 weights can apportion`);
  }
  const remainder = (index: number) => (quotas[index] as number) - (counts[index] as number);
  const order = weights.map((_, index) => index).sort((a, b) => remainder(b) - remainder(a) || a - b);
  for (const index of order.slice(0, left)) counts[index]! += 1;
  return counts;
}
