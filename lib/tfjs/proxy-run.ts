// A small model trained to learn domain weights for a large one: DoGE's first stage, and DoReMi's proxy.
import { mismatch, requireInteger } from '../errors.js';
import {
  byName,
  only,
  readWeights,
  requireNames,
  type DomainNumbers,
  type DomainWeights,
} from '../reweighting/domains.js';
import { excessLoss } from '../reweighting/doremi.js';
import { mixtureSampler, type DrawnSample } from '../reweighting/mixture-sampler.js';
import type { ReweighterState } from '../reweighting/reweighter.js';
import { lossFactors } from '../reweighting/units.js';
import type { Model } from './model.js';
import { align, alignmentEvidence, gramEvidence, holdTarget, type HeldTarget } from './mixing/domain-evidence.js';
import { gradientRows } from './mixing/gradient-rows.js';
import { lossesOf, observedModel, type SeenLosses } from './mixing/observed-model.js';
import {
  mixtureRun,
  requireFinite,
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
import { addLosses, descend, meanLosses, measure, withBatch, type Measured } from './mixing/step.js';
import { lossAndGradients } from './train-step.js';

/** Options of {@link proxyRun}. */
export interface ProxyRunOptions extends MixtureRunOptions {
  /** doge or doremi. */
  readonly rule: Rule;
  /** Whose losses those of the model are compared with: for doremi, which needs it. */
  readonly reference?: Model | undefined;
  /** What batches are drawn by, all along: weights of the domains and, if there is one, the target. Default uniform. */
  readonly sampling?: DomainWeights | undefined;
  /** Samples of a training step, >= 1, drawn by `sampling`. */
  readonly batchSize?: number | undefined;
  /** doge, instead of batchSize and sampling: samples of each domain, and of the target, in every batch. */
  readonly batchPerDomain?: number | undefined;
}

/** Of the target: the domains are what is trained on. */
const MOST_TARGET = 0.99;

type Settings = ReturnType<typeof checkOptions>;

function checkOptions(options: ProxyRunOptions) {
  const { rule, sizes, batchPerDomain, reference, seed = 0, replacement, batchSize } = options;
  requireRunOptions(options);
  requireRule(rule, ['gram', 'alignment', 'excessLoss']);
  if (rule.period !== 1) throw mismatch('GRADSIFT_ARGUMENT', 'rule.period', '1 in a proxy run', rule.period);
  const domains = Object.keys(sizes ?? {});
  requireNames('sizes', domains);
  for (const name of domains) requireInteger(`sizes.${name}`, sizes[name], 1);
  const target = targetOf(rule, options);
  const isDoremi = rule.needs === 'excessLoss';
  if (isDoremi !== (reference !== undefined)) {
    const expected = isDoremi ? `a model for the rule '${rule.name}'` : `none for the rule '${rule.name}'`;
    throw mismatch('GRADSIFT_ARGUMENT', 'reference', expected, reference);
  }
  if (batchPerDomain === undefined) requireInteger('batchSize', batchSize, 1);
  else requireInteger('batchPerDomain', batchPerDomain, 1);
  if (batchPerDomain !== undefined && (isDoremi || options.sampling !== undefined || batchSize !== undefined)) {
    const expected = 'none beside batchSize, sampling or reference';
    throw mismatch('GRADSIFT_ARGUMENT', 'batchPerDomain', expected, batchPerDomain);
  }
  const drawn = target === null ? sizes : { ...sizes, [target]: options.target?.size as number };
  const names = Object.keys(drawn);
  const even = byName(
    names,
    names.map(() => 1 / names.length),
  );
  const { sampling = even } = options;
  const sampler = mixtureSampler({ sizes: drawn, seed, replacement });
  if (batchPerDomain === undefined) requireDomainsDrawn(sampling, names, target);
  const rows = gradientRows(options.model, isDoremi ? 0 : domains.length);
  return { options, rule, rows, domains, target, names, sampling, sampler, batchSize: batchSize ?? 0, batchPerDomain };
}

/** @throws GRADSIFT_ARGUMENT for weights by which a batch would hold the target alone, again and again */
function requireDomainsDrawn(sampling: DomainWeights, names: readonly string[], target: string | null): void {
  readWeights('sampling', sampling, names);
  if (target === null || (sampling[target] as number) <= MOST_TARGET) return;
  throw mismatch('GRADSIFT_ARGUMENT', `sampling.${target}`, `a weight of at most ${MOST_TARGET}`, sampling[target]);
}

/**
 * Trains a proxy whose rule learns domain weights; `learned()` is the mixture for the model that counts. Batches are
 * drawn by weights that never change; the rule's weights enter the objective.
 *
 * doge: in each step, the gradient of every domain of the batch (and of the target) is taken, the rule is updated by
 * their products, and the model takes a step along sum_i alpha_i g_i, with the new alpha. The k gradients are held at
 * once. Without `batchPerDomain`, a batch may lack a domain: see the rule's `absent`.
 *
 * doremi: the rule is updated by the excess of the model's losses over those of the reference on the same batch, each
 * token's clamped at 0 where both models have tokenLosses, each sample's otherwise; then samples are weighed by
 * alpha_i / q_i, scaled to a mean of 1 in the batch. To train the reference: onlineMixer with a rule that learns
 * nothing.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function proxyRun(options: ProxyRunOptions): MixtureRun {
  const settings = checkOptions(options);
  const { rule, domains, sampler, sampling } = settings;
  const first = rule.init(domains, options.initial);
  const start = { step: 0, rule: first, training: sampler.init(), measuring: null, losses: {} };
  const requirePosition = (position: Position) => {
    sampler.draw(position.training, sampling, 0);
  };
  requirePosition(start);
  if (rule.needs === 'excessLoss') lossFactors(rule.weights(first), sampling);
  const advance = (from: Position, commit: (to: Position) => void) => {
    const learningRate = options.learningRate?.(from.step) ?? options.optimizer.learningRate;
    const take = rule.needs === 'excessLoss' ? excessStep : alignedStep;
    const { record, ...next } = take(settings, from, learningRate);
    const step = from.step + 1;
    commit({ ...from, step, ...next });
    return { step, learningRate, ...record };
  };
  return mixtureRun({ name: 'proxyRun', rule, start, sampling: () => sampling, advance, requirePosition }, options);
}

/** What a step leaves: where the rule and the sampler are, and its part of the record. */
interface Taken {
  readonly rule: ReweighterState;
  readonly training: Position['training'];
  readonly record: Omit<MixtureStep, 'step' | 'learningRate' | 'weights' | 'learned'>;
}

/** Samples of a batch by domain; at least one domain is there. */
function drawGroups(settings: Settings, from: Position) {
  const { names, domains, sampler, sampling, batchSize, batchPerDomain } = settings;
  let training = from.training;
  const groups = new Map<string, DrawnSample[]>();
  const draw = (weights: DomainWeights, count: number) => {
    const drawn = sampler.draw(training, weights, count);
    training = drawn.state;
    for (const sample of drawn.samples) groups.set(sample.domain, [...(groups.get(sample.domain) ?? []), sample]);
  };
  if (batchPerDomain === undefined) {
    // A batch of the target alone would move nothing: more is drawn.
    do draw(sampling, batchSize);
    while (!domains.some((name) => groups.has(name)));
  } else {
    for (const name of names) draw(only(names, name), batchPerDomain);
  }
  return { groups, training };
}

function alignedStep(settings: Settings, from: Position, learningRate: number): Taken {
  const { options, rule, target, rows } = settings;
  const { tf } = options.model;
  const { groups, training } = drawGroups(settings, from);
  const using = <T>(name: string, use: (measured: Measured) => T): T => {
    const measured = measure(options, groups.get(name) as DrawnSample[]);
    try {
      return use(measured);
    } finally {
      tf.dispose({ ...measured.gradients });
    }
  };
  const aim =
    target !== null && groups.has(target)
      ? using(target, ({ gradients, loss }) => ({ ...holdTarget(tf, gradients, options.measureClipNorm), loss }))
      : null;
  const present = settings.domains.filter((name) => groups.has(name));
  const losses = present.flatMap((name, row) =>
    using(name, (measured) => {
      rows.set(row, measured.gradients);
      return [...measured.losses];
    }),
  );
  const { evidence, factors } = productsOf(settings, present, aim);
  const given = { learningRate, ...evidence };
  const next = rule.update(from.rule, given);
  const alpha = rule.weights(next);
  const scales = present.map((name, row) => (alpha[name] as number) * (factors[row] as number));
  const gradientNorm = descend(options, rows.weightedSum(scales), learningRate);
  const samples = present.flatMap((name) => groups.get(name) as DrawnSample[]);
  const record = { ...lossRecord(samples, losses), targetLoss: aim?.loss, gradientNorm, evidence: given };
  return { rule: next, training, record };
}

function productsOf(
  { options, target, rows }: Settings,
  present: readonly string[],
  aim: HeldTarget | null,
): { readonly evidence: LoopEvidence; readonly factors: readonly number[] } {
  const { measureClipNorm } = options;
  if (target === null) return gramEvidence(present, rows.gram(present.length), measureClipNorm);
  const products = rows.productsWith(present.length, aim?.held ?? new Map());
  const aligned = products.map((one) => align(one, aim, measureClipNorm));
  return { evidence: alignmentEvidence(present, aligned, aim), factors: aligned.map(({ factor }) => factor) };
}

function excessStep(settings: Settings, from: Position, learningRate: number): Taken {
  const { options, rule, sampler, sampling, batchSize } = settings;
  const { model } = options;
  const reference = options.reference as Model;
  const tokens = model.tokenLosses !== undefined && reference.tokenLosses !== undefined;
  const { samples, state: training } = sampler.draw(from.training, sampling, batchSize);
  const { evidence, next, losses, gradients } = withBatch(options, samples, (batch) => {
    const referenceLosses = lossesOf(reference, batch, tokens);
    const found = { evidence: {} as LoopEvidence, next: from.rule, losses: [] as number[] };
    let failure: Error | undefined; // thrown while TensorFlow.js records, it would leave the tape's tensors behind
    const look = (seen: SeenLosses) => {
      try {
        found.losses = samples.map((_, index) => meanOf(seen, index));
        found.evidence = { learningRate, excessLoss: excessOf(samples, seen, referenceLosses) };
        found.next = rule.update(from.rule, found.evidence);
        const factors = lossFactors(rule.weights(found.next), sampling);
        return samples.map(({ domain }) => factors[domain] as number);
      } catch (error) {
        failure = error as Error;
      }
    };
    const { loss, gradients } = lossAndGradients(observedModel(model, look, tokens), batch);
    if (failure !== undefined || !Number.isFinite(loss)) model.tf.dispose({ ...gradients });
    if (failure !== undefined) throw failure;
    requireFinite('loss of the batch', loss);
    return { ...found, gradients };
  });
  const gradientNorm = descend(options, gradients, learningRate);
  const record = { ...lossRecord(samples, losses), gradientNorm, evidence };
  return { rule: next, training, record };
}

function excessOf(samples: readonly DrawnSample[], own: SeenLosses, reference: SeenLosses): DomainNumbers {
  const { positions } = own;
  const of = ({ values }: SeenLosses, index: number) => values.subarray(index * positions, (index + 1) * positions);
  const sums = samples.map((_, index) => excessLoss(of(own, index), of(reference, index)));
  return meanLosses(addLosses({}, samples, sums));
}

function meanOf({ values, positions }: SeenLosses, index: number): number {
  let sum = 0;
  for (let token = 0; token < positions; ++token) sum += values[index * positions + token] as number;
  return sum / positions;
}

function lossRecord(samples: readonly DrawnSample[], losses: readonly number[]) {
  const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
  return { loss, lossByDomain: meanLosses(addLosses({}, samples, losses)) };
}
