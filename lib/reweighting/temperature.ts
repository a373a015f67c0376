import { mismatch, requireNumber } from '../errors.js';
import { proportions, readAllNumbers, type DomainNumbers } from './domains.js';
import type { Reweighter, ReweighterState } from './reweighter.js';
import { staticRule } from './static-rule.js';

/** Options of {@link temperature}. */
export interface TemperatureOptions {
  /** Data of each domain, >= 0, in any one unit: tokens, documents, bytes. */
  readonly sizes: DomainNumbers;
  /** > 0: 1 is in proportion to size, large values approach uniform weights over the domains with data. */
  readonly temperature: number;
}

/**
 * w_i = size_i^(1 / temperature) / sum_j size_j^(1 / temperature), at every step; 0 for a domain with no data.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option, GRADSIFT_NON_FINITE
 */
export function temperature(options: TemperatureOptions): Reweighter<ReweighterState, unknown> {
  requireNumber('temperature', options.temperature, 'a number > 0', (value) => value > 0);
  return staticRule('temperature', (domains) => sizeWeights(options, domains));
}

/** Sizes to the power 1 / temperature, normalised; by the largest first, so that no power overflows. */
export function sizeWeights({ sizes, temperature: t }: TemperatureOptions, domains: readonly string[]): number[] {
  const counts = readAllNumbers('sizes', sizes, domains);
  const negative = counts.find((size) => !(size >= 0));
  if (negative !== undefined) throw mismatch('GRADSIFT_ARGUMENT', 'sizes', 'numbers >= 0', negative);
  const shares = proportions('sizes', counts);
  if (t === 1) return shares;
  return proportions(
    'sizes',
    shares.map((share) => share ** (1 / t)),
  );
}
