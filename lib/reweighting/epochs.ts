// How often a budget repeats each domain, and what repetition is worth.
import { GradsiftError, mismatch, requireNumber } from '../errors.js';
import { total } from './domains.js';
import { requireFeasible, withinLimits } from './limits.js';
import { sealed, type Mixture } from './mixture.js';

/** A domain whose weight a cap on its epochs lowered. */
export interface CappedDomain {
  readonly name: string;
  /** Weight before and after. */
  readonly from: number;
  readonly to: number;
}

/** A mixture with planned epochs, and what the caps changed. */
export interface EpochPlan {
  readonly mixture: Mixture;
  readonly capped: readonly CappedDomain[];
}

/**
 * Plans the passes over each domain that a budget makes: e_i = w_i budget / tokens_i. Where a domain's `cap` is fewer,
 * its weight falls to cap_i tokens_i / budget, and what is cut off goes to the domains below their caps in proportion
 * to their weights (water-filling).
 *
 * @param mixture in units of tokens or sequences; each domain of weight > 0 has `tokens` > 0
 * @param budgetTokens tokens of the training run, > 0
 * @throws GradsiftError GRADSIFT_ARGUMENT when sizes are missing, or the caps leave less data than the budget
 */
export function planEpochs(mixture: Mixture, budgetTokens: number): EpochPlan {
  requireNumber('budgetTokens', budgetTokens, 'a number > 0', (value) => value > 0);
  if (mixture.unit === 'document') {
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      "mixture: expected shares of tokens or sequences: inUnit(..., 'token')",
    );
  }
  const names = mixture.domains.map(({ name }) => name);
  const weights = mixture.domains.map(({ weight }) => weight);
  const cap = mixture.domains.map(({ name, weight, tokens = 0, cap: most }) => {
    if (weight > 0 && !(tokens > 0)) {
      throw mismatch('GRADSIFT_ARGUMENT', `tokens of ${name}`, `a number > 0 for a weight of ${weight}`, tokens);
    }
    if (weight === 0) return 0; // what was dropped stays dropped
    return most === undefined ? 1 : Math.min(1, (most * tokens) / budgetTokens);
  });
  if (!(total(cap) >= 1 - names.length * 2 ** -52)) {
    const most = Math.floor(total(cap) * budgetTokens);
    throw new GradsiftError('GRADSIFT_ARGUMENT', `budgetTokens: the caps allow ${most} tokens, not ${budgetTokens}`);
  }
  const limits = { floor: names.map(() => 0), cap };
  requireFeasible(limits, names);
  const exceeds = weights.some((weight, index) => weight > (cap[index] as number));
  const planned = exceeds ? withinLimits(weights, limits) : weights;
  const capped = names.flatMap((name, index) => {
    const [from, to] = [weights[index] as number, planned[index] as number];
    return from > (cap[index] as number) ? [{ name, from, to }] : [];
  });
  const domains = mixture.domains.map(({ path, tokens, documents, cap: most, name }, index) => {
    const weight = planned[index] as number;
    const epochs = weight === 0 ? 0 : (weight * budgetTokens) / (tokens as number);
    const known = Object.entries({ path, tokens, documents, epochs, cap: most }).filter(
      ([, value]) => value !== undefined,
    );
    return { name, weight, ...Object.fromEntries(known) };
  });
  return { mixture: sealed({ ...mixture, domains }), capped };
}

/** Repetitions after which one more is worth 1/e: fitted by Muennighoff et al. (NeurIPS 2023, arXiv 2305.16264). */
const REPETITION_SCALE = 15.39;

/**
 * Fresh tokens that repeated ones are worth: D' = U + 15.39 U (1 - exp(-R / 15.39)), R passes beyond the first.
 * @param unique U, tokens, >= 0
 * @param epochs passes over them; below 1, that part of U
 * @throws GradsiftError GRADSIFT_ARGUMENT
 */
export function effectiveTokens(unique: number, epochs: number): number {
  requireNumber('unique', unique, 'a number >= 0', (value) => value >= 0);
  requireNumber('epochs', epochs, 'a number >= 0', (value) => value >= 0);
  if (epochs <= 1) return unique * epochs;
  return unique - REPETITION_SCALE * unique * Math.expm1(-(epochs - 1) / REPETITION_SCALE);
}
