// DoReMi (Xie et al., NeurIPS 2023, arXiv 2305.10429): group DRO on the excess loss of a proxy over a reference model.
//
//     e_i   = mean over the tokens of domain i of max(loss_proxy - loss_reference, 0)
//     alpha = normalise(alpha exp(eta e)),  then (1 - eps) alpha + eps / k
//
// The proxy draws its batches by fixed weights q and weighs tokens by alpha_i / q_i (see lossFactors); the mean of
// alpha over all steps is the answer.
import { GradsiftError, mismatch, requireNumber, requireOneOf } from '../errors.js';
import { readNumbers, type DomainNumbers } from './domains.js';
import {
  ABSENT_POLICIES,
  currentWeights,
  finish,
  firstState,
  meanWeights,
  requirePositive,
  requireState,
  requireWeightOptions,
  type AbsentPolicy,
  type Reweighter,
  type ReweighterState,
  type WeightOptions,
} from './reweighter.js';
import { exponentiatedGradient } from './simplex.js';

/** Options of {@link doremi}. */
export interface DoremiOptions extends WeightOptions {
  /** eta > 0, per nat; default 1. */
  readonly stepSize?: number | undefined;
  /** eps in [0, 1); default 1e-4. */
  readonly smoothing?: number | undefined;
  /** A domain that the batch lacks: 'stale' (default) has its last excess loss; 'zero' and 'skip' have none. */
  readonly absent?: AbsentPolicy | undefined;
  /** Excess loss of a domain before its first batch, nats >= 0; default 0. The authors' code: ln(vocabulary size). */
  readonly initialExcess?: number | undefined;
}

/** What one step of the proxy gives to {@link doremi}. */
export interface DoremiEvidence {
  /** e_i >= 0, nats per token, for each domain of the batch; clamp each token before the mean (see excessLoss). */
  readonly excessLoss: DomainNumbers;
}

/** State of {@link doremi}. */
export interface DoremiState extends ReweighterState {
  /** Sum of the weights over all steps. */
  readonly sum: readonly number[];
  /** Last known excess loss of each domain. */
  readonly excess: readonly number[];
}

/**
 * DoReMi as a rule. `weights` weigh the proxy's loss; `learned` is their mean, for the large model.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function doremi(options: DoremiOptions = {}): Reweighter<DoremiState, DoremiEvidence> {
  const { stepSize = 1, smoothing = 1e-4, absent = 'stale', initialExcess = 0 } = options;
  const weighting = { ...options, smoothing };
  requireWeightOptions(weighting);
  requirePositive('stepSize', stepSize);
  requireOneOf('absent', absent, ABSENT_POLICIES);
  requireNumber('initialExcess', initialExcess, 'a number >= 0', (value) => value >= 0);
  const check = (state: DoremiState) => requireState('doremi', state, ['sum', 'excess']);
  return {
    name: 'doremi',
    period: 1,
    needs: 'excessLoss',
    init: (domains, initial) => ({
      ...firstState('doremi', domains, initial, weighting),
      sum: domains.map(() => 0),
      excess: domains.map(() => initialExcess),
    }),
    check,
    update(state, evidence) {
      check(state);
      const excess = readNumbers('excessLoss', evidence.excessLoss, state.domains).map((value, index) => {
        if (value === undefined) return absent === 'stale' ? (state.excess[index] as number) : 0;
        requireNumber(`excessLoss.${state.domains[index]}`, value, 'a number >= 0', (e) => e >= 0);
        return value;
      });
      const gains = excess.map((e) => stepSize * e);
      const weights = finish(exponentiatedGradient(state.weights, gains), state.domains, weighting);
      const sum = state.sum.map((value, index) => value + (weights[index] as number));
      return { ...state, step: state.step + 1, weights, sum, excess };
    },
    weights: currentWeights,
    learned: (state) => meanWeights(state, state.sum, state.step),
  };
}

/**
 * Mean excess loss of tokens of one domain: mean of max(loss - referenceLoss, 0), nats.
 * @param losses of the proxy, a number a token
 * @param referenceLosses of the reference model, for the same tokens
 * @throws GradsiftError GRADSIFT_SHAPE for lists of different lengths or empty ones, GRADSIFT_NON_FINITE
 */
export function excessLoss(losses: ArrayLike<number>, referenceLosses: ArrayLike<number>): number {
  if (!(losses.length > 0 && losses.length === referenceLosses.length)) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `excessLoss: expected two lists of one length > 0, got ${losses.length} and ${referenceLosses.length}`,
    );
  }
  let sum = 0;
  for (let token = 0; token < losses.length; ++token) {
    const difference = (losses[token] as number) - (referenceLosses[token] as number);
    if (!Number.isFinite(difference))
      throw mismatch('GRADSIFT_NON_FINITE', `token ${token}`, 'finite losses', difference);
    sum += Math.max(difference, 0);
  }
  return sum / losses.length;
}
