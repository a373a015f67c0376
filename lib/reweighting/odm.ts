// ODM: Online Data Mixing (Albalak et al., arXiv 2312.02406): domains are the arms of a bandit, rewarded by their loss.
//
//     exp3      R_i <- R_i + (loss / rewardScale) / pi_i        for each domain drawn
//     smoothed  R_i <- decay R_i + (1 - decay) e^loss
//     eps_t = min(1 / k, sqrt(ln k / (k t)))
//     pi_i  = (1 - k eps_t) s_i / sum_j s_j + eps_t,   s_i = exp(R_i eps_{t-1}),  or R_i where the form is linear
//
// Bandits explore by themselves (pi_i >= eps_t), so that a weight of 0 does not last.
import { mismatch, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import { proportions, readNumbers, type DomainNumbers } from './domains.js';
import {
  currentWeights,
  finish,
  firstState,
  requirePositive,
  requireState,
  requireWeightOptions,
  type Reweighter,
  type ReweighterState,
  type WeightOptions,
} from './reweighter.js';
import { softmax } from './simplex.js';

/** Options of {@link odm}. */
export interface OdmOptions extends WeightOptions {
  /** 'exp3' (default), or the paper's 'smoothed' mean. */
  readonly variant?: 'exp3' | 'smoothed' | undefined;
  /** Divides the loss of 'exp3', > 0; default 10. */
  readonly rewardScale?: number | undefined;
  /** Share of the old in the mean of 'smoothed', in [0, 1); default 0.9. */
  readonly decay?: number | undefined;
  /** 'exponential' (default), or 'linear', as the authors' code has it where several domains are updated at once. */
  readonly form?: 'exponential' | 'linear' | undefined;
  /** Updates during which the weights rest while rewards gather; default 0. */
  readonly warmUp?: number | undefined;
  /** Training steps between updates, >= 1; default 1. */
  readonly period?: number | undefined;
}

/** What a batch gives to {@link odm}. */
export interface OdmEvidence {
  /** Loss >= 0 of each domain drawn, nats per token. */
  readonly loss: DomainNumbers;
}

/** State of {@link odm}. */
export interface OdmState extends ReweighterState {
  /** R: rewards, summed or averaged. */
  readonly rewards: readonly number[];
}

/**
 * ODM as a rule: `weights` are what the next batches draw domains by, and `learned` is the same.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function odm(options: OdmOptions = {}): Reweighter<OdmState, OdmEvidence> {
  requireWeightOptions(options);
  const { variant = 'exp3', rewardScale = 10, decay = 0.9, form = 'exponential', warmUp = 0, period = 1 } = options;
  requireOneOf('variant', variant, ['exp3', 'smoothed']);
  requirePositive('rewardScale', rewardScale);
  requireNumber('decay', decay, 'a number in [0, 1)', (value) => value >= 0 && value < 1);
  requireOneOf('form', form, ['exponential', 'linear']);
  requireInteger('warmUp', warmUp, 0);
  requireInteger('period', period, 1);

  const reward = (old: number, loss: number | undefined, weight: number) => {
    if (loss === undefined) return old;
    if (variant === 'smoothed') return decay * old + (1 - decay) * Math.exp(loss);
    return old + loss / rewardScale / weight;
  };
  const check = (state: OdmState) => requireState('odm', state, ['rewards']);
  return {
    name: 'odm',
    period,
    needs: 'loss',
    init: (domains, initial) => ({
      ...firstState('odm', domains, initial, options),
      rewards: domains.map(() => 0),
    }),
    check,
    update(state, evidence) {
      check(state);
      const step = state.step + 1;
      const losses = readNumbers('loss', evidence.loss, state.domains);
      const rewards = state.rewards.map((old, index) => {
        const loss = losses[index];
        if (loss !== undefined) requireNumber(`loss.${state.domains[index]}`, loss, 'a number >= 0', (x) => x >= 0);
        const next = reward(old, loss, state.weights[index] as number);
        if (Number.isFinite(next)) return next;
        throw mismatch(
          'GRADSIFT_NON_FINITE',
          `reward of ${state.domains[index]}`,
          'a finite number (loss too large, or a weight of 0)',
          next,
        );
      });
      if (step <= warmUp) return { ...state, step, rewards };
      const k = rewards.length;
      const explore = exploration(k, step);
      const shares = form === 'linear' ? linear(rewards) : softmax(rewards.map((r) => r * exploration(k, step - 1)));
      const mixed = shares.map((share) => (1 - k * explore) * share + explore);
      return { ...state, step, rewards, weights: finish(mixed, state.domains, options) };
    },
    weights: currentWeights,
    learned: currentWeights,
  };
}

/** eps_t; 1 / k before the first step. */
function exploration(k: number, step: number): number {
  return step === 0 ? 1 / k : Math.min(1 / k, Math.sqrt(Math.log(k) / (k * step)));
}

/** R / sum(R); uniform while there are no rewards. */
function linear(rewards: readonly number[]): number[] {
  return rewards.some((r) => r > 0) ? proportions('rewards', rewards) : rewards.map(() => 1 / rewards.length);
}
