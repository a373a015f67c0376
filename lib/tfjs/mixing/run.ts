// What onlineMixer and proxyRun share: their options, where a run is, and coming back to it.
import type { Variable } from '@tensorflow/tfjs';
import { GradsiftError, mismatch, requireInteger, requireNumber, show } from '../../errors.js';
import type { DomainNumbers, DomainWeights } from '../../reweighting/domains.js';
import type { DrawnSample, MixtureSamplerState } from '../../reweighting/mixture-sampler.js';
import type { Reweighter, ReweighterState } from '../../reweighting/reweighter.js';
import type { Adamw } from '../adamw.js';
import type { Batch, Model } from '../model.js';

/** What the loops measure for a rule; which of it depends on the rule. */
export interface LoopEvidence {
  /** Of the step just done. */
  readonly learningRate?: number | undefined;
  /** <g_i, g_target> */
  readonly alignment?: DomainNumbers | undefined;
  /** ||g_i|| */
  readonly norms?: DomainNumbers | undefined;
  /** ||g_target|| */
  readonly targetNorm?: number | undefined;
  /** <g_i, g_j> */
  readonly gram?: Readonly<Record<string, DomainNumbers>> | undefined;
  /** Mean loss of each domain drawn since the last update, nats. */
  readonly loss?: DomainNumbers | undefined;
  /** Mean of max(loss - loss of the reference, 0) over the tokens of each domain of the batch, nats. */
  readonly excessLoss?: DomainNumbers | undefined;
}

/** What both loops take. */
export interface MixtureRunOptions {
  readonly model: Model;
  readonly optimizer: Adamw;
  /** Samples of each domain, >= 1. */
  readonly sizes: DomainNumbers;
  /** The specific set, for rules that align domains with one. Its name: default that in the rule, or 'target'. */
  readonly target?: { readonly name?: string | undefined; readonly size: number } | undefined;
  /** The tensors of some samples, in their order. The loop frees them. */
  readonly batch: (samples: readonly DrawnSample[]) => Batch;
  /** Integer >= 0; default 0. */
  readonly seed?: number | undefined;
  /** Whether samples are drawn with replacement; default false: each epoch of a domain is one shuffle of it. */
  readonly replacement?: boolean | undefined;
  /** First weights of the rule; default uniform, or the rule's own. */
  readonly initial?: DomainWeights | undefined;
  /** Clips the gradient of a step to this global norm; default: it is left as it is. */
  readonly clipNorm?: number | undefined;
  /** Clips each domain's gradient, and the target's: g <- g min(1, c / (||g|| + 1e-6)), as torch does. */
  readonly measureClipNorm?: number | undefined;
  /** Of the step with this number, from 0; default: the optimizer's. */
  readonly learningRate?: ((step: number) => number) | undefined;
}

/** What a step did: plain data. */
export interface MixtureStep {
  /** Steps done, this one included. */
  readonly step: number;
  /** Mean loss over the training samples, before the step. */
  readonly loss: number;
  /** The same for each domain that the batch has samples of; with a basis, for each distribution they may be from. */
  readonly lossByDomain: DomainNumbers;
  /** Mean loss over the samples of the target, on steps that measured it. */
  readonly targetLoss?: number | undefined;
  readonly learningRate: number;
  /** The global norm of the gradients before clipping; undefined when they are not clipped. */
  readonly gradientNorm?: number | undefined;
  /** The rule's weights after this step. */
  readonly weights: DomainWeights;
  /** The rule's answer after this step. */
  readonly learned: DomainWeights;
  /** On steps that updated the weights: what the rule was told. */
  readonly evidence?: LoopEvidence | undefined;
}

/** A training run whose mixture a rule decides. */
export interface MixtureRun {
  /**
   * Does one step.
   * @throws GradsiftError GRADSIFT_NON_FINITE for a loss of the training batch, or with clipNorm a gradient, that is
   *   NaN or infinite: nothing has changed. The same for a gradient that onlineMixer measures after its step: the step
   *   stands, the rule is as it was. And what `batch` and the model throw
   */
  step(): MixtureStep;
  readonly stepsDone: number;
  /** The rule's current weights. */
  weights(): DomainWeights;
  /** The rule's answer so far. */
  learned(): DomainWeights;
  /** What the next batch is drawn by. */
  sampling(): DomainWeights;
  /** What a checkpoint must hold beside state(): the weights of the model and the moments of the optimizer. */
  readonly variables: Readonly<Record<string, Variable>>;
  /** Where the run is, as JSON: `saveCheckpoint(path, run.variables, run.state())`. */
  state(): MixtureRunState;
  /**
   * Goes on from a state, once the variables are those that were saved with it: `run.restore(await loadCheckpoint(tf,
   * path, run.variables))`. The steps that follow have the bits of a run that never stopped.
   * @throws GRADSIFT_ARGUMENT for a state of another run
   */
  restore(state: unknown): void;
}

/** Where a run is: plain data. */
export interface MixtureRunState {
  readonly schema: typeof SCHEMA;
  readonly loop: string;
  readonly step: number;
  /** optimizer.stepsDone */
  readonly optimizerSteps: number;
  readonly rule: ReweighterState;
  readonly training: MixtureSamplerState;
  /** Where the samples of measured gradients are, which have streams of their own; null in a proxy run. */
  readonly measuring: MixtureSamplerState | null;
  /** Losses since the last update, where the rule learns by them: their sums, and the samples they are of. */
  readonly losses: Readonly<Record<string, { readonly sum: number; readonly samples: number }>>;
}

const SCHEMA = 'gradsift/mixture-run/1';

export type Rule = Reweighter<ReweighterState, LoopEvidence>;

/** A position without what can be known from elsewhere. */
export type Position = Pick<MixtureRunState, 'step' | 'rule' | 'training' | 'measuring' | 'losses'>;

/** What the two loops differ in. */
export interface Loop {
  readonly name: string;
  readonly rule: Rule;
  readonly start: Position;
  sampling(rule: ReweighterState): DomainWeights;
  /** Does a step; hands over each new position as soon as the variables are those of it. */
  advance(from: Position, commit: (to: Position) => void): Omit<MixtureStep, 'weights' | 'learned'>;
  /** @throws GRADSIFT_ARGUMENT for samplers' positions of another run */
  requirePosition(position: Position): void;
}

export function mixtureRun(loop: Loop, { model, optimizer }: MixtureRunOptions): MixtureRun {
  const { name, rule } = loop;
  let position = loop.start;
  return {
    step() {
      const record = loop.advance(position, (next) => (position = next));
      return { ...record, weights: rule.weights(position.rule), learned: rule.learned(position.rule) };
    },
    get stepsDone() {
      return position.step;
    },
    weights: () => rule.weights(position.rule),
    learned: () => rule.learned(position.rule),
    sampling: () => loop.sampling(position.rule),
    variables: { ...model.weights, ...optimizer.moments },
    state: () => ({ schema: SCHEMA, loop: name, optimizerSteps: optimizer.stepsDone, ...position }),
    restore(given) {
      const state = given as MixtureRunState;
      if (state?.schema !== SCHEMA) throw mismatch('GRADSIFT_ARGUMENT', 'state.schema', SCHEMA, state?.schema);
      if (state.loop !== name) throw mismatch('GRADSIFT_ARGUMENT', 'state.loop', show(name), state.loop);
      const { step, optimizerSteps, rule: ruleState, training, measuring, losses } = state;
      requireInteger('state.step', step, 0);
      requireInteger('state.optimizerSteps', optimizerSteps, 0);
      rule.check(ruleState);
      const domains = loop.start.rule.domains;
      if (ruleState.domains.join('\n') !== domains.join('\n')) {
        throw mismatch('GRADSIFT_ARGUMENT', 'state.rule.domains', domains.join(', '), ruleState.domains.join(', '));
      }
      if (typeof losses !== 'object' || losses === null) {
        throw mismatch('GRADSIFT_ARGUMENT', 'state.losses', 'an object', losses);
      }
      for (const [domain, own] of Object.entries(losses)) {
        requireNumber(`state.losses.${domain}.sum`, own?.sum);
        requireNumber(`state.losses.${domain}.samples`, own.samples, 'a number > 0', (count) => count > 0);
      }
      const next = { step, rule: ruleState, training, measuring, losses };
      loop.requirePosition(next);
      position = next;
      optimizer.stepsDone = optimizerSteps;
    },
  };
}

/** Checks what both loops take. @throws GRADSIFT_ARGUMENT naming the option */
export function requireRunOptions(options: MixtureRunOptions): void {
  const { model, optimizer, batch, clipNorm, measureClipNorm, learningRate } = options;
  if (typeof model?.losses !== 'function') throw mismatch('GRADSIFT_ARGUMENT', 'model', 'a model', model);
  if (typeof optimizer?.step !== 'function') throw mismatch('GRADSIFT_ARGUMENT', 'optimizer', 'adamw', optimizer);
  if (typeof batch !== 'function') throw mismatch('GRADSIFT_ARGUMENT', 'batch', 'a function', batch);
  for (const [name, norm] of Object.entries({ clipNorm, measureClipNorm })) {
    if (norm !== undefined) requireNumber(name, norm, 'a number > 0', (value) => value > 0);
  }
  if (learningRate !== undefined && typeof learningRate !== 'function') {
    throw mismatch('GRADSIFT_ARGUMENT', 'learningRate', 'a function of the step', learningRate);
  }
}

/** The name of the target of a rule that has one; null for the others. @throws GRADSIFT_ARGUMENT */
export function targetOf(rule: Rule, { target, sizes }: MixtureRunOptions, basis: object = {}): string | null {
  if (rule.needs !== 'alignment') {
    if (target === undefined) return null;
    throw mismatch('GRADSIFT_ARGUMENT', 'target', `none: the rule '${rule.name}' has no target`, target);
  }
  if (target === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', 'target', `{ size } for the rule '${rule.name}'`, target);
  }
  const { name = rule.target ?? 'target', size } = target;
  if (rule.target !== undefined && name !== rule.target) {
    throw mismatch('GRADSIFT_ARGUMENT', 'target.name', `${show(rule.target)}, as in the rule`, name);
  }
  if (!(typeof name === 'string' && name !== '')) throw mismatch('GRADSIFT_ARGUMENT', 'target.name', 'a name', name);
  if (Object.hasOwn(sizes, name) || Object.hasOwn(basis, name)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'target.name', 'a target that is none of the domains', name);
  }
  requireInteger('target.size', size, 1);
  return name;
}

/** @throws GRADSIFT_ARGUMENT unless the rule can be run by the loop */
export function requireRule(rule: Rule, kinds: readonly string[]): void {
  if (typeof rule?.update !== 'function') throw mismatch('GRADSIFT_ARGUMENT', 'rule', 'a rule', rule);
  if (kinds.includes(rule.needs)) return;
  throw new GradsiftError(
    'GRADSIFT_ARGUMENT',
    `rule: expected one that needs ${kinds.join(', ')}; '${rule.name}' needs ${rule.needs}`,
  );
}

/** @throws GRADSIFT_NON_FINITE */
export function requireFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw mismatch('GRADSIFT_NON_FINITE', name, 'a finite number', value);
}
