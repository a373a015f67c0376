// Steps on the simplex, in float64.
import { mismatch } from '../errors.js';
import { total } from './domains.js';

/** Weights that were positive rest here: the least number whose logarithm is still accurate (2^-1022). */
const LEAST_WEIGHT = 2 ** -1022;

/**
 * One step of exponentiated gradient, the mirror step of the Kullback-Leibler divergence:
 *
 *     w_i <- w_i exp(gain_i) / sum_j w_j exp(gain_j)
 *          = argmax over the simplex of <gain, w'> - KL(w' || w)
 *
 * A weight of 0 stays 0; a positive one stays positive, at least 2^-1022.
 *
 * @param weights on the simplex
 * @param gains step size times score, in units of log weight; any finite size
 * @throws GRADSIFT_NON_FINITE
 */
export function exponentiatedGradient(weights: readonly number[], gains: readonly number[]): number[] {
  const wild = gains.find((gain) => !Number.isFinite(gain));
  if (wild !== undefined) throw mismatch('GRADSIFT_NON_FINITE', 'step size x score', 'a finite number', wild);
  return softmax(weights.map((weight, index) => Math.log(weight) + (gains[index] as number)));
}

/** exp(x_i) / sum_j exp(x_j); -infinity gives exactly 0, everything else at least 2^-1022. One must be finite. */
export function softmax(logits: readonly number[]): number[] {
  const highest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = total(powers);
  return powers.map((power, index) => (logits[index] === -Infinity ? 0 : Math.max(power / sum, LEAST_WEIGHT)));
}

/** (1 - smoothing) w + smoothing / k. */
export function smooth(weights: readonly number[], smoothing: number): number[] {
  if (smoothing === 0) return [...weights];
  return weights.map((weight) => (1 - smoothing) * weight + smoothing / weights.length);
}
