// A training loop that draws its domains by weights which a rule learns on the way (DGA, ODM, DoGE), or keeps (uniform,
// proportional, temperature).
import { mismatch, requireInteger } from '../errors.js';
import { namedSeed } from '../random.js';
import { mixBasis, type Basis } from '../reweighting/basis.js';
import { byName, requireNames, type DomainWeights } from '../reweighting/domains.js';
import { mixtureSampler } from '../reweighting/mixture-sampler.js';
import type { ReweighterState } from '../reweighting/reweighter.js';
import { align, alignmentEvidence, gramEvidence, holdTarget } from './mixing/domain-evidence.js';
import {
  mixtureRun,
  requireRule,
  requireRunOptions,
  targetOf,
  type LoopEvidence,
  type MixtureRun,
  type MixtureRunOptions,
  type MixtureStep,
  type Position,
  type Rule,
} from './mixing/run.js';
import { addLosses, descend, meanLosses, measure } from './mixing/step.js';

/** Options of {@link onlineMixer}. */
export interface OnlineMixerOptions extends MixtureRunOptions {
  /** dga, doge, odm, or one of those that learn nothing. */
  readonly rule: Rule;
  /** Samples of a training step, >= 1. */
  readonly batchSize: number;
  /** Training steps between updates, >= 1; default: the rule's. The first update follows step `period`. */
  readonly period?: number | undefined;
  /** Samples of each measured gradient, >= 1; default: batchSize. */
  readonly measureSize?: number | undefined;
  /**
   * Distributions over the names in `sizes` (clusters, say): they are the domains of the rule, and batches are drawn by
   * their mixture. Default: each name in `sizes` is a domain.
   */
  readonly basis?: Basis | undefined;
}

type Settings = ReturnType<typeof checkOptions>;

function checkOptions(options: OnlineMixerOptions) {
  requireRunOptions(options);
  const { rule, sizes, basis, batchSize, seed = 0, replacement } = options;
  requireRule(rule, ['alignment', 'gram', 'loss', 'nothing']);
  const { period = rule.period, measureSize = batchSize } = options;
  requireInteger('batchSize', batchSize, 1);
  requireInteger('period', period, 1);
  requireInteger('measureSize', measureSize, 1);
  const names = namesOf(options);
  const target = targetOf(rule, options);
  if (basis !== undefined && rule.needs === 'loss') {
    throw mismatch('GRADSIFT_ARGUMENT', 'basis', `none: the rule '${rule.name}' needs the loss of a domain`, basis);
  }
  const domains = basis === undefined ? names : Object.keys(basis);
  if (target !== null && domains.includes(target)) {
    throw mismatch('GRADSIFT_ARGUMENT', 'target.name', 'a target that is none of the domains', target);
  }
  const measured = target === null ? sizes : { ...sizes, [target]: options.target?.size as number };
  const all = Object.keys(measured);
  const none = byName(
    all,
    all.map(() => 0),
  );
  /** What the measured batches of a domain are drawn by. */
  const draw = (domain: string): DomainWeights =>
    basis === undefined || domain === target ? { ...none, [domain]: 1 } : { ...none, ...basis[domain] };
  const training = mixtureSampler({ sizes, seed, replacement });
  const measuring = mixtureSampler({ sizes: measured, seed: namedSeed(seed, 'measure'), replacement });
  return { options, rule, period, measureSize, names, domains, target, draw, training, measuring };
}

/** @throws GRADSIFT_ARGUMENT for a domain without data, or a basis that draws from one */
function namesOf({ sizes, basis }: OnlineMixerOptions): string[] {
  const names = Object.keys(sizes ?? {});
  requireNames('sizes', names);
  const used = basis === undefined ? names : Object.values(basis).flatMap((row) => Object.keys(row));
  for (const name of used) requireInteger(`sizes.${name}`, sizes[name], 1);
  return names;
}

/**
 * Trains a model on domains drawn by a rule's weights. Each step draws a batch and takes a step of the optimizer. After
 * every `period` steps the rule learns: by the gradients of one fresh minibatch of each domain, and of the target, at
 * the new weights of the model (dga, doge), or by the losses of what was trained on (odm).
 *
 * Products of gradients are summed in float64. One gradient is held beside the target's at a time; for doge without a
 * target all of them are. What is measured has random streams of its own: which samples a domain is trained on, and in
 * which order, does not depend on the rule or its period.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function onlineMixer(options: OnlineMixerOptions): MixtureRun {
  const settings = checkOptions(options);
  const { rule, names, domains, training, measuring } = settings;
  const rest = byName(
    names,
    names.map(() => 0),
  );
  const sampling = (state: ReweighterState): DomainWeights => {
    const weights = rule.weights(state);
    return options.basis === undefined ? weights : { ...rest, ...mixBasis(options.basis, weights) };
  };
  const start = {
    step: 0,
    rule: rule.init(domains, options.initial),
    training: training.init(),
    measuring: measuring.init(),
    losses: {},
  };
  const requirePosition = (position: Position) => {
    training.draw(position.training, sampling(position.rule), 0);
    measuring.draw(position.measuring, settings.draw(domains[0] as string), 0);
  };
  requirePosition(start);
  const advance = (from: Position, commit: (to: Position) => void) => {
    const { record, next } = train(settings, from, sampling(from.rule));
    commit(next);
    if (next.step % settings.period !== 0) return { ...record, weights: rule.weights(next.rule) };
    const { evidence, targetLoss, measuring: measured } = evidenceOf(settings, next, record.learningRate);
    const updated = { ...next, rule: rule.update(next.rule, evidence), measuring: measured, losses: {} };
    commit(updated);
    const learned = rule.needs === 'nothing' ? {} : { evidence, targetLoss };
    return { ...record, weights: rule.weights(updated.rule), ...learned };
  };
  return mixtureRun({ name: 'onlineMixer', rule, start, sampling, advance, requirePosition }, options);
}

function train({ options, rule, training }: Settings, from: Position, sampling: DomainWeights) {
  const learningRate = options.learningRate?.(from.step) ?? options.optimizer.learningRate;
  const { samples, state } = training.draw(from.training, sampling, options.batchSize);
  const { loss, losses, gradients } = measure(options, samples);
  const gradientNorm = descend(options, gradients, learningRate);
  const lossByDomain = meanLosses(addLosses({}, samples, losses));
  const step = from.step + 1;
  const record: Omit<MixtureStep, 'weights'> = { step, loss, lossByDomain, learningRate, gradientNorm };
  const sums = rule.needs === 'loss' ? addLosses(from.losses, samples, losses) : from.losses;
  return { record, next: { ...from, step, training: state, losses: sums } };
}

interface Found {
  readonly evidence: LoopEvidence;
  readonly targetLoss?: number;
  readonly measuring: Position['measuring'];
}

function evidenceOf(settings: Settings, position: Position, learningRate: number): Found {
  const { options, rule, domains, target, draw, measuring, measureSize } = settings;
  const { tf } = options.model;
  const clipNorm = options.measureClipNorm;
  let state = position.measuring;
  const gradientOf = (domain: string) => {
    const drawn = measuring.draw(state, draw(domain), measureSize);
    state = drawn.state;
    return measure(options, drawn.samples);
  };
  if (rule.needs === 'loss') return { evidence: { loss: meanLosses(position.losses) }, measuring: state };
  if (rule.needs === 'gram') {
    const all = domains.map((domain) => gradientOf(domain).gradients);
    const { evidence } = gramEvidence(tf, domains, all, clipNorm);
    all.forEach((gradients) => tf.dispose({ ...gradients }));
    return { evidence: { learningRate, ...evidence }, measuring: state };
  }
  if (target === null) return { evidence: {}, measuring: state };
  const wanted = gradientOf(target);
  const held = holdTarget(tf, wanted.gradients, clipNorm);
  tf.dispose({ ...wanted.gradients });
  const aligned = domains.map((domain) => {
    const { gradients } = gradientOf(domain);
    const found = align(tf, gradients, held, clipNorm);
    tf.dispose({ ...gradients });
    return found;
  });
  const evidence = { learningRate, ...alignmentEvidence(domains, aligned, held) };
  return { evidence, targetLoss: wanted.loss, measuring: state };
}
