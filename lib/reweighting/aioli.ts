// Aioli (Chen et al., arXiv 2411.05735): the loss falls linearly in the mixture, DeltaL = A p, with an A that is
// measured in short sweeps and changes as training goes on.
//
//     sweep s   trains a few steps on mixture m_s and measures b_s, the decrease of every domain's loss
//     A         solves M A' = B in least squares: a row of M a mixture, a row of B its decreases
//     A         <- A - min(A) where it has negative entries, then A / sum(A)
//     score_j   = sum_i A_ij
//     p         = normalise(p exp(eta score))
import { GradsiftError, mismatch, requireInteger, requireNumber } from '../errors.js';
import {
  byName,
  readAllNumbers,
  readWeights,
  requireNames,
  total,
  type DomainNumbers,
  type DomainWeights,
} from './domains.js';
import { leastSquares } from './least-squares.js';
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
import { exponentiatedGradient } from './simplex.js';

/** Options of {@link aioli}. */
export interface AioliOptions extends WeightOptions {
  /** eta > 0; default 0.2. */
  readonly stepSize?: number | undefined;
  /** Training steps between updates, >= 1; default 250. */
  readonly period?: number | undefined;
  /**
   * Share of the new scores in a moving average of them, in (0, 1]. Weights then come from the first weights and the
   * average, not from the last weights. Default: no average.
   */
  readonly ema?: number | undefined;
}

/** One short run of a sweep. */
export interface AioliSweep {
  /** What it was trained on. */
  readonly mixture: DomainWeights;
  /** Loss before minus loss after, for every domain, nats per token. */
  readonly decrease: DomainNumbers;
}

/** What a round of sweeps gives to {@link aioli}. */
export interface AioliEvidence {
  /** At least one for each domain, their mixtures independent: {@link aioliMixtures}. */
  readonly sweeps: readonly AioliSweep[];
}

/** State of {@link aioli}. */
export interface AioliState extends ReweighterState {
  readonly initial: readonly number[];
  /** The last scores, or their moving average. */
  readonly scores: readonly number[];
}

/**
 * Aioli as a rule: `weights` are what the next `period` steps draw domains by, and `learned` is the same.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function aioli(options: AioliOptions = {}): Reweighter<AioliState, AioliEvidence> {
  requireWeightOptions(options);
  const { stepSize = 0.2, period = 250, ema } = options;
  requirePositive('stepSize', stepSize);
  requireInteger('period', period, 1);
  if (ema !== undefined) requireNumber('ema', ema, 'a number in (0, 1]', (value) => value > 0 && value <= 1);
  const check = (state: AioliState) => requireState('aioli', state, ['initial', 'scores']);
  return {
    name: 'aioli',
    period,
    needs: 'sweeps',
    init(domains, initial) {
      const first = firstState('aioli', domains, initial, options);
      return { ...first, initial: first.weights, scores: domains.map(() => 0) };
    },
    check,
    update(state, evidence) {
      check(state);
      const { domains, step } = state;
      const measured = columnSums(proportional(mixingMatrix(evidence, domains)));
      const share = ema === undefined || step === 0 ? 1 : ema;
      const scores = measured.map((score, index) => (1 - share) * (state.scores[index] as number) + share * score);
      const from = ema === undefined ? state.weights : state.initial;
      const gains = scores.map((score) => stepSize * score);
      return {
        ...state,
        step: step + 1,
        weights: finish(exponentiatedGradient(from, gains), domains, options),
        scores,
      };
    },
    weights: currentWeights,
    learned: currentWeights,
  };
}

/**
 * The mixtures of one round of sweeps: for each domain, `oneHotFactor` on it and the rest shared evenly by the others.
 * @param oneHotFactor in (1 / k, 1]; 1 / k would make all mixtures one
 * @throws GradsiftError GRADSIFT_ARGUMENT
 */
export function aioliMixtures(domains: readonly string[], oneHotFactor: number): DomainWeights[] {
  requireNames('domains', domains);
  const k = domains.length;
  const valid = (value: number) => k === 1 || (value > 1 / k && value <= 1);
  requireNumber('oneHotFactor', oneHotFactor, `a number in (1/${k}, 1]`, valid);
  const rest = (1 - oneHotFactor) / Math.max(1, k - 1);
  return domains.map((_, own) => {
    return byName(
      domains,
      domains.map((_, other) => (k === 1 ? 1 : other === own ? oneHotFactor : rest)),
    );
  });
}

/** A: row i the domain whose loss falls, column j the domain trained on. */
function mixingMatrix({ sweeps }: AioliEvidence, domains: readonly string[]): number[][] {
  if (!Array.isArray(sweeps)) throw mismatch('GRADSIFT_ARGUMENT', 'sweeps', 'a list of sweeps', sweeps);
  const runs = sweeps as readonly AioliSweep[];
  const mixtures = runs.map(({ mixture }, s) => readWeights(`sweeps[${s}].mixture`, mixture, domains));
  const decreases = runs.map(({ decrease }, s) => readAllNumbers(`sweeps[${s}].decrease`, decrease, domains));
  return domains.map((_, i) => {
    const row = leastSquares(
      mixtures,
      decreases.map((values) => values[i] as number),
    );
    if (row !== null) return row;
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `sweeps: expected at least ${domains.length} independent mixtures, got ${runs.length} that are not`,
    );
  });
}

/** Shifted to be >= 0, then scaled to sum 1; even when it is all zeros. */
function proportional(a: readonly (readonly number[])[]): number[][] {
  const least = Math.min(0, ...a.flat());
  const shifted = a.map((row) => row.map((entry) => entry - least));
  const sum = total(shifted.flat());
  return shifted.map((row) => row.map((entry) => (sum > 0 ? entry / sum : 1 / (a.length * a.length))));
}

function columnSums(a: readonly (readonly number[])[]): number[] {
  return a.map((_, j) => a.reduce((sum, row) => sum + (row[j] as number), 0));
}
