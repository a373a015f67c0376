import type { Reweighter, ReweighterState } from './reweighter.js';
import { staticRule } from './static-rule.js';

/** 1 / k for each of k domains, at every step. */
export function uniform(): Reweighter<ReweighterState, unknown> {
  return staticRule('uniform', (domains) => domains.map(() => 1 / domains.length));
}
