// Rules that learn nothing: the baselines, in the same clothes, so that a loop can run any of them.
import { currentWeights, firstState, requireState, type Reweighter, type ReweighterState } from './reweighter.js';

/** Evidence is not looked at. */
export function staticRule(name: string, weigh: (domains: readonly string[]) => readonly number[]) {
  const check = (state: ReweighterState) => requireState(name, state);
  const rule: Reweighter<ReweighterState, unknown> = {
    name,
    period: 1,
    needs: 'nothing',
    init(domains, initial) {
      const first = firstState(name, domains, initial);
      return initial === undefined ? { ...first, weights: weigh(domains) } : first;
    },
    check,
    update(state) {
      check(state);
      return { ...state, step: state.step + 1 };
    },
    weights: currentWeights,
    learned: currentWeights,
  };
  return rule;
}
