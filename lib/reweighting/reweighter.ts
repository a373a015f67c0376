// What a rule is: pure functions over a state that is plain data.
import { GradsiftError, mismatch, requireInteger, requireNumber } from '../errors.js';
import { byName, readWeights, requireNames, requireSimplex, type DomainWeights } from './domains.js';
import { limitsOf, requireLimitOptions, withinLimits, type LimitOptions } from './limits.js';
import { smooth } from './simplex.js';

/** What every state holds. Plain data: it survives JSON and structuredClone, and a resumed run has the same bits. */
export interface ReweighterState {
  /** The rule it belongs to. */
  readonly rule: string;
  /** Updates so far. */
  readonly step: number;
  readonly domains: readonly string[];
  /** Current weights, in the order of the domains. */
  readonly weights: readonly number[];
}

/** What becomes of a domain that the evidence leaves out. */
export const ABSENT_POLICIES = ['stale', 'zero', 'skip'] as const;
/** One of 'stale' (its last evidence again), 'zero' (evidence of 0) and 'skip' (no part in the update). */
export type AbsentPolicy = (typeof ABSENT_POLICIES)[number];

/** What evidence is made of: mostly the name of the field that a rule cannot do without. */
export type EvidenceKind = 'alignment' | 'gram' | 'loss' | 'excessLoss' | 'tasks' | 'sweeps' | 'run' | 'nothing';

/** A rule that turns evidence from training into domain weights. */
export interface Reweighter<State extends ReweighterState, Evidence> {
  readonly name: string;
  /** Training steps from one update to the next: 1, or the rule's period. */
  readonly period: number;
  /** What a loop has to measure for it. */
  readonly needs: EvidenceKind;
  /** Name of the target whose gradient domains are aligned with, where the rule was given one. */
  readonly target?: string | undefined;
  /** The state before any update; from uniform weights, or from `initial`. @throws GRADSIFT_ARGUMENT */
  init(domains: readonly string[], initial?: DomainWeights): State;
  /** @throws GRADSIFT_ARGUMENT unless the state is one of this rule: it may come from a file */
  check(state: State): void;
  /**
   * The next state. Writes to nothing and keeps no reference to the evidence.
   * @throws GRADSIFT_ARGUMENT, or GRADSIFT_NON_FINITE for NaN or infinity in the evidence
   */
  update(state: State, evidence: Evidence): State;
  /** What the run that feeds the rule trains with next. */
  weights(state: State): DomainWeights;
  /** The answer so far: what to train another model with, or to write into a mixture record. */
  learned(state: State): DomainWeights;
}

/** Limits and smoothing, shared by the rules that move on the simplex. */
export interface WeightOptions extends LimitOptions {
  /** Share of the uniform distribution mixed in after each update, in [0, 1). */
  readonly smoothing?: number | undefined;
}

/** The first state of a rule, without what is its own; its weights are within the limits. @throws GRADSIFT_ARGUMENT */
export function firstState(
  rule: string,
  domains: readonly string[],
  initial: DomainWeights | undefined,
  options: LimitOptions = {},
): ReweighterState {
  requireNames('domains', domains);
  const weights =
    initial === undefined ? domains.map(() => 1 / domains.length) : readWeights('initial', initial, domains);
  return { rule, step: 0, domains: [...domains], weights: limited(weights, domains, options) };
}

/**
 * @param vectors fields of the rule's own that hold a finite number for each domain
 * @throws GRADSIFT_ARGUMENT unless the state is one of this rule: it may come from a file
 */
export function requireState<State extends ReweighterState>(
  rule: string,
  state: State,
  vectors: readonly (keyof State & string)[] = [],
): void {
  if (typeof state !== 'object' || state === null || state.rule !== rule) {
    throw mismatch('GRADSIFT_ARGUMENT', 'state', `a state of the rule '${rule}'`, (state as { rule?: unknown })?.rule);
  }
  requireInteger('state.step', state.step, 0);
  requireNames('state.domains', state.domains);
  for (const field of ['weights', ...vectors] as const) {
    const vector: unknown = state[field];
    if (!(Array.isArray(vector) && vector.length === state.domains.length && vector.every(Number.isFinite))) {
      throw new GradsiftError('GRADSIFT_ARGUMENT', `state.${field}: expected a finite number for each domain`);
    }
  }
  requireSimplex('state.weights', state.weights);
}

export const currentWeights = ({ domains, weights }: ReweighterState): DomainWeights => byName(domains, weights);

/** The mean of `count` weights that sum to `sum`; the current weights while there are none. */
export function meanWeights(state: ReweighterState, sum: readonly number[], count: number): DomainWeights {
  if (count === 0) return currentWeights(state);
  return byName(
    state.domains,
    sum.map((value) => value / count),
  );
}

/** @throws GRADSIFT_ARGUMENT */
export function requireWeightOptions(options: WeightOptions): void {
  requireLimitOptions(options);
  const { smoothing = 0 } = options;
  requireNumber('smoothing', smoothing, 'a number in [0, 1)', (value) => value >= 0 && value < 1);
}

/** Smoothing, then limits: the last word is the limits'. */
export function finish(weights: readonly number[], domains: readonly string[], options: WeightOptions): number[] {
  return limited(smooth(weights, options.smoothing ?? 0), domains, options);
}

function limited(weights: readonly number[], domains: readonly string[], options: LimitOptions): number[] {
  const limits = limitsOf(options, domains);
  return limits === null ? [...weights] : withinLimits(weights, limits);
}

/** @throws GRADSIFT_ARGUMENT unless value is a number > 0 */
export function requirePositive(name: string, value: unknown): asserts value is number {
  requireNumber(name, value, 'a number > 0', (x) => x > 0);
}
