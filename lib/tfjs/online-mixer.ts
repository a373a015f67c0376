// A training loop that draws its domains by weights which a rule learns on the way (DGA, ODM, DoGE), or keeps (uniform,
// proportional, temperature).
import { requireInteger } from '../errors.js';
import { namedSeed } from '../random.js';
import { requireBasis, type Basis } from '../reweighting/basis.js';
import { requireNames } from '../reweighting/domains.js';
import { mixtureSampler, type MixtureSamplerState } from '../reweighting/mixture-sampler.js';
import { align, alignmentEvidence, gramEvidence, holdTarget } from './mixing/domain-evidence.js';
import { basisMixing, plainMixing } from './mixing/domain-mixing.js';
import { productsWith, type Gradients } from './mixing/gradient-products.js';
import { gradientRows } from './mixing/gradient-rows.js';
import {
  mixtureRun,
  requireRule,
  requireRunOptions,
  targetOf,
  type LoopEvidence,
  type MixtureRun,
  type MixtureRunOptions,
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
  const target = targetOf(rule, options, basis);
  const measured = target === null ? sizes : { ...sizes, [target]: options.target?.size as number };
  const sources = Object.keys(measured);
  const mixing = basis === undefined ? plainMixing(names, sources) : basisMixing(basis, names, sources);
  const training = mixtureSampler({ sizes, seed, replacement });
  const measuring = mixtureSampler({ sizes: measured, seed: namedSeed(seed, 'measure'), replacement });
  return { options, rule, period, measureSize, target, mixing, training, measuring };
}

/** @throws GRADSIFT_ARGUMENT for a domain without data, or a basis that draws from one */
function namesOf({ sizes, basis }: OnlineMixerOptions): string[] {
  const names = Object.keys(sizes ?? {});
  requireNames('sizes', names);
  if (basis !== undefined) requireBasis(basis);
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
  const { rule, period, mixing, training, measuring } = settings;
  const start = {
    step: 0,
    rule: rule.init(mixing.domains, options.initial),
    training: training.init(),
    measuring: measuring.init(),
    losses: {},
  };
  const sampling = (state: Position['rule']) => mixing.mix(rule.weights(state));
  const requirePosition = (position: Position) => {
    training.draw(position.training, sampling(position.rule), 0);
    measuring.draw(position.measuring as MixtureSamplerState, mixing.draw(mixing.domains[0] as string), 0);
  };
  requirePosition(start);
  const advance = (from: Position, commit: (to: Position) => void) => {
    const { record, next } = train(settings, from);
    commit(next);
    if (next.step % period !== 0) return record;
    const { evidence, targetLoss, measuring } = learn(settings, next, record.learningRate);
    commit({ ...next, rule: rule.update(next.rule, evidence), measuring, losses: {} });
    return rule.needs === 'nothing' ? record : { ...record, targetLoss, evidence };
  };
  return mixtureRun({ name: 'onlineMixer', rule, start, sampling, advance, requirePosition }, options);
}

function train({ options, rule, mixing, training }: Settings, from: Position) {
  const learningRate = options.learningRate?.(from.step) ?? options.optimizer.learningRate;
  const weights = rule.weights(from.rule);
  const { samples, state } = training.draw(from.training, mixing.mix(weights), options.batchSize);
  const { loss, losses, gradients } = measure(options, samples);
  const gradientNorm = descend(options, gradients, learningRate);
  const add = (sums: Position['losses']) => addLosses(sums, samples, losses, mixing.shares(weights));
  const step = from.step + 1;
  return {
    record: { step, loss, lossByDomain: meanLosses(add({})), learningRate, gradientNorm },
    next: { ...from, step, training: state, losses: rule.needs === 'loss' ? add(from.losses) : from.losses },
  };
}

interface Learned {
  readonly evidence: LoopEvidence;
  readonly targetLoss?: number | undefined;
  readonly measuring: Position['measuring'];
}

/** What the rule is told after a period. */
function learn(settings: Settings, position: Position, learningRate: number): Learned {
  const { options, rule, target, mixing, measureSize } = settings;
  const { tf } = options.model;
  const clipNorm = options.measureClipNorm;
  let measuring = position.measuring as MixtureSamplerState;
  /** One gradient at a time. */
  const using = <T>(domain: string, use: (gradients: Gradients, loss: number) => T): T => {
    const drawn = settings.measuring.draw(measuring, mixing.draw(domain), measureSize);
    measuring = drawn.state;
    const { gradients, loss } = measure(options, drawn.samples);
    try {
      return use(gradients, loss);
    } finally {
      tf.dispose({ ...gradients });
    }
  };
  if (rule.needs === 'loss') return { evidence: { loss: meanLosses(position.losses) }, measuring };
  if (rule.needs === 'nothing') return { evidence: {}, measuring };
  if (target !== null) {
    const [aim, targetLoss] = using(target, (gradients, loss) => [holdTarget(tf, gradients, clipNorm), loss] as const);
    const aligned = mixing.domains.map((domain) =>
      using(domain, (gradients) => align(productsWith(tf, gradients, aim.held), aim, clipNorm)),
    );
    const evidence = { learningRate, ...alignmentEvidence(mixing.domains, aligned, aim) };
    return { evidence, targetLoss, measuring };
  }
  const rows = gradientRows(options.model, mixing.domains.length);
  mixing.domains.forEach((domain, row) => using(domain, (gradients) => rows.set(row, gradients)));
  const { evidence } = gramEvidence(mixing.domains, rows.gram(mixing.domains.length), clipNorm);
  return { evidence: { learningRate, ...evidence }, measuring };
}
