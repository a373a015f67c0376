import type { DomainNumbers } from './domains.js';
import type { Reweighter, ReweighterState } from './reweighter.js';
import { staticRule } from './static-rule.js';
import { sizeWeights } from './temperature.js';

/** Options of {@link proportional}. */
export interface ProportionalOptions {
  /** Data of each domain, >= 0, in any one unit: tokens, documents, bytes. */
  readonly sizes: DomainNumbers;
}

/**
 * w_i = size_i / sum_j size_j, at every step; 0 for a domain with no data.
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE
 */
export function proportional({ sizes }: ProportionalOptions): Reweighter<ReweighterState, unknown> {
  return staticRule('proportional', (domains) => sizeWeights({ sizes, temperature: 1 }, domains));
}
