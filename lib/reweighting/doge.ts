// DoGE: Domain reweighting with Generalization Estimation (Fan, Pagliardini and Jaggi, ICML 2024, arXiv 2310.15393).
//
//     W_i   = <g_i, sum_j g_j>          universal generalisation: every domain is a target
//     W_i   = <g_i, g_target>           out-of-domain: the target is none of the domains
//     alpha = argmin over the simplex of -lr <alpha, W> + mu KL(alpha || alpha_prev)
//           = normalise(alpha_prev exp(lr W / mu))
//
// The proxy's parameters then take a step along sum_i alpha_i g_i, and the mean of alpha over all steps is the answer.
// The released code (Olivia-fsm/DoGE, 88400e9) does more, which `variant: 'official'` follows: scores are divided by
// the mean norm of the domains' gradients plus 1e-6, then clipped to [0, 5] learning rates, and a domain that the batch
// lacks keeps its last gradient.
import { GradsiftError, mismatch, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import { clipped, requireClip, type Clip } from './clip.js';
import { readNumbers, requireKnownNames, type DomainNumbers } from './domains.js';
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

/** Options of {@link doge}. A variant sets the defaults of the others. */
export interface DogeOptions extends WeightOptions {
  /** 'paper' (default): no score norm, no clip, absent 'skip'. 'official': 'meanNorm', [0, 5] and 'stale'. */
  readonly variant?: 'paper' | 'official' | undefined;
  /** 'universal' (default), or the name of the target, which must be none of the domains. */
  readonly target?: 'universal' | { readonly name: string } | undefined;
  /** Whether W_i of the universal target holds <g_i, g_i>; default true, as in paper and code. */
  readonly selfTerm?: boolean | undefined;
  /** Bregman coefficient mu > 0: the step size is learningRate / mu. Default 0.05. Excludes stepSize. */
  readonly mu?: number | undefined;
  /** Step size > 0 that does not follow the learning rate. */
  readonly stepSize?: number | undefined;
  /** 'none', 'meanNorm' (over the mean gradient norm + 1e-6), or 'cosine' (over the norms of both gradients). */
  readonly scoreNorm?: 'none' | 'meanNorm' | 'cosine' | undefined;
  /** Least and most score, after its norm and before the step size; null for none. */
  readonly clip?: Clip | null | undefined;
  /** Clips every domain's gradient, and the target's, to norm c: g <- g min(1, c / (||g|| + 1e-6)), as torch does. */
  readonly perDomainClipNorm?: number | undefined;
  /**
   * A domain that the evidence leaves out: 'stale' has its last products and norm (zeros at first), 'zero' a gradient
   * of zeros, 'skip' has no part in the update: its score is 0, and it does not count in the mean norm.
   */
  readonly absent?: AbsentPolicy | undefined;
  /** Steps that the mean leaves out at the beginning; default 0. */
  readonly burnIn?: number | undefined;
}

/** What one step of training gives to {@link doge}: inner products of gradients, whatever took them. */
export interface DogeEvidence {
  /** The model's learning rate at this step, > 0 unless still 0 in a warm-up; not needed with stepSize. */
  readonly learningRate?: number | undefined;
  /** Universal: <g_i, g_j> for each pair of domains of the batch, symmetric. */
  readonly gram?: Readonly<Record<string, DomainNumbers>> | undefined;
  /** Out-of-domain: <g_i, g_target> for each domain of the batch. */
  readonly alignment?: DomainNumbers | undefined;
  /** Out-of-domain: ||g_i||, where scoreNorm or perDomainClipNorm needs it. */
  readonly norms?: DomainNumbers | undefined;
  /** Out-of-domain: ||g_target||, where scoreNorm 'cosine' or perDomainClipNorm needs it. */
  readonly targetNorm?: number | undefined;
}

/** State of {@link doge}. */
export interface DogeState extends ReweighterState {
  /** Sum of the weights over the `averaged` steps. */
  readonly sum: readonly number[];
  readonly averaged: number;
  /** The last known products, a row a domain: k of them with the domains, or one with the target. */
  readonly products: readonly (readonly number[])[];
  readonly norms: readonly number[];
}

/** Keeps a division by a norm finite, and is what torch's clip_grad_norm_ adds. */
const NORM_GUARD = 1e-6;

type Settings = ReturnType<typeof checkOptions>;

function checkOptions(options: DogeOptions) {
  requireWeightOptions(options);
  const { variant = 'paper', target = 'universal', selfTerm = true, mu, stepSize, burnIn = 0 } = options;
  requireOneOf('variant', variant, ['paper', 'official']);
  const official = variant === 'official';
  const { scoreNorm = official ? 'meanNorm' : 'none', absent = official ? 'stale' : 'skip' } = options;
  const { clip = official ? ([0, 5] as Clip) : null, perDomainClipNorm = null } = options;
  if (typeof target === 'string') requireOneOf('target', target, ['universal']);
  else if (typeof target?.name !== 'string')
    throw mismatch('GRADSIFT_ARGUMENT', 'target', "'universal' or { name }", target);
  if (typeof selfTerm !== 'boolean') throw mismatch('GRADSIFT_ARGUMENT', 'selfTerm', 'true or false', selfTerm);
  if (mu !== undefined && stepSize !== undefined) {
    throw new GradsiftError(
      'GRADSIFT_ARGUMENT',
      `mu, stepSize: expected one of them, got both (${mu} and ${stepSize})`,
    );
  }
  if (stepSize !== undefined) requirePositive('stepSize', stepSize);
  requirePositive('mu', mu ?? 0.05);
  requireOneOf('scoreNorm', scoreNorm, ['none', 'meanNorm', 'cosine']);
  requireOneOf('absent', absent, ABSENT_POLICIES);
  if (clip !== null) requireClip(clip);
  if (perDomainClipNorm !== null) requirePositive('perDomainClipNorm', perDomainClipNorm);
  requireInteger('burnIn', burnIn, 0);
  const needsNorms = scoreNorm !== 'none' || perDomainClipNorm !== null;
  return {
    target: typeof target === 'string' ? null : target.name,
    selfTerm,
    mu: mu ?? 0.05,
    stepSize: stepSize ?? null,
    scoreNorm,
    clip,
    perDomainClipNorm,
    absent,
    burnIn,
    needsNorms,
    needsTargetNorm: scoreNorm === 'cosine' || perDomainClipNorm !== null,
  };
}

/**
 * DoGE as a rule. `weights` are those of the proxy's parameter step; `learned` is their mean, for stage 2.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function doge(options: DogeOptions = {}): Reweighter<DogeState, DogeEvidence> {
  const settings = checkOptions(options);
  const check = (state: DogeState) => {
    requireState('doge', state, ['sum', 'norms']);
    requireInteger('state.averaged', state.averaged, 0);
    requireProducts(state, settings);
  };
  return {
    name: 'doge',
    period: 1,
    needs: settings.target === null ? 'gram' : 'alignment',
    target: settings.target ?? undefined,
    init(domains, initial) {
      const first = firstState('doge', domains, initial, options);
      if (settings.target !== null && domains.includes(settings.target)) {
        throw mismatch('GRADSIFT_ARGUMENT', 'target', 'a target that is none of the domains', settings.target);
      }
      const columns = settings.target === null ? domains.length : 1;
      const zeros = domains.map(() => 0);
      const products = domains.map(() => Array<number>(columns).fill(0));
      return { ...first, sum: zeros, averaged: 0, products, norms: zeros };
    },
    check,
    update(state, evidence) {
      check(state);
      const batch = readBatch(state, evidence, settings);
      const gains = scores(batch, settings).map((score) => stepSize(evidence, settings) * score);
      const weights = finish(exponentiatedGradient(state.weights, gains), state.domains, options);
      const step = state.step + 1;
      const counts = step > settings.burnIn;
      const sum = counts ? state.sum.map((value, index) => value + (weights[index] as number)) : state.sum;
      const { products, norms } = batch;
      return { ...state, step, weights, sum, averaged: state.averaged + (counts ? 1 : 0), products, norms };
    },
    weights: currentWeights,
    learned: (state) => meanWeights(state, state.sum, state.averaged),
  };
}

function requireProducts({ products, domains }: DogeState, { target }: Settings): void {
  const columns = target === null ? domains.length : 1;
  const valid = (row: unknown) => Array.isArray(row) && row.length === columns && row.every(Number.isFinite);
  if (Array.isArray(products) && products.length === domains.length && products.every(valid)) return;
  const expected = `products with ${target ?? 'the domains'}, [${domains.length}][${columns}]`;
  throw mismatch('GRADSIFT_ARGUMENT', 'state.products', expected, products);
}

/** The gradients of a step, as far as the rule sees them. */
interface Batch {
  readonly products: readonly (readonly number[])[];
  readonly norms: readonly number[];
  readonly targetNorm: number;
  /** Domains that take part. */
  readonly counts: readonly boolean[];
}

function stepSize({ learningRate }: DogeEvidence, settings: Settings): number {
  if (settings.stepSize !== null) return settings.stepSize;
  requireNumber('learningRate', learningRate, 'a number >= 0 (or give stepSize)', (value) => value >= 0);
  return learningRate / settings.mu;
}

function readBatch(state: DogeState, evidence: DogeEvidence, settings: Settings): Batch {
  return settings.target === null
    ? universalBatch(state, evidence, settings)
    : targetBatch(state, evidence, settings, settings.target);
}

function universalBatch({ domains, ...state }: DogeState, { gram }: DogeEvidence, { absent }: Settings): Batch {
  requireKnownNames('gram', gram, domains);
  const rows = domains.map((name) => (Object.hasOwn(gram as object, name) ? gram?.[name] : undefined));
  const present = rows.map((row) => row !== undefined);
  const given = rows.map((row, index) =>
    row === undefined ? [] : readNumbers(`gram.${domains[index]}`, row, domains),
  );
  const products = domains.map((_, i) =>
    domains.map((_, j) => {
      if (present[i] && present[j]) return requireProduct(given, i, j, domains);
      return absent === 'stale' ? (state.products[i]?.[j] ?? 0) : 0;
    }),
  );
  const norms = products.map((row, index) => Math.sqrt(row[index] as number));
  return { products, norms, targetNorm: 1, counts: present.map((here) => here || absent !== 'skip') };
}

function requireProduct(
  given: readonly (readonly (number | undefined)[])[],
  i: number,
  j: number,
  domains: readonly string[],
): number {
  const name = `gram.${domains[i]}.${domains[j]}`;
  const value = given[i]?.[j];
  if (value === undefined) throw mismatch('GRADSIFT_ARGUMENT', name, 'the product of two domains of the batch', value);
  if (i === j && !(value >= 0)) throw mismatch('GRADSIFT_ARGUMENT', name, 'a squared norm >= 0', value);
  if (value !== given[j]?.[i]) throw mismatch('GRADSIFT_ARGUMENT', name, 'a symmetric matrix', value);
  return value;
}

function targetBatch(state: DogeState, evidence: DogeEvidence, settings: Settings, target: string): Batch {
  const { domains } = state;
  const { needsNorms, needsTargetNorm, absent } = settings;
  const alignment = readNumbers('alignment', evidence.alignment, domains);
  const given = needsNorms ? readNumbers('norms', evidence.norms, domains) : domains.map(() => 0);
  if (needsTargetNorm) requireNumber(`targetNorm (of ${target})`, evidence.targetNorm, 'a number >= 0', (x) => x >= 0);
  const present = alignment.map((value) => value !== undefined);
  const norms = given.map((norm, index) => {
    if (!present[index]) return absent === 'stale' ? (state.norms[index] as number) : 0;
    requireNumber(`norms.${domains[index]}`, norm, 'a number >= 0', (x) => x >= 0);
    return norm;
  });
  const products = alignment.map((value, index) => {
    return [value ?? (absent === 'stale' ? (state.products[index]?.[0] ?? 0) : 0)];
  });
  return {
    products,
    norms,
    targetNorm: evidence.targetNorm ?? 1,
    counts: present.map((here) => here || absent !== 'skip'),
  };
}

/** W, its norm, its clip; in units that the step size multiplies. */
function scores({ products, norms, targetNorm, counts }: Batch, settings: Settings): number[] {
  const { target, selfTerm, scoreNorm, clip, perDomainClipNorm } = settings;
  const shrink = (norm: number) =>
    Math.min(1, perDomainClipNorm === null ? 1 : perDomainClipNorm / (norm + NORM_GUARD));
  const factors = norms.map(shrink);
  const targetFactors = target === null ? factors : [shrink(targetNorm)];
  const lengths = norms.map((norm, index) => norm * (factors[index] as number));
  const w = products.map((row, i) =>
    row.reduce((sum, product, j) => {
      if (target === null && i === j && !selfTerm) return sum;
      return sum + product * (factors[i] as number) * (targetFactors[j] as number);
    }, 0),
  );
  const counted = lengths.filter((_, index) => counts[index]);
  const meanNorm = counted.reduce((sum, norm) => sum + norm, 0) / Math.max(1, counted.length);
  const targetLength = (index: number) => {
    if (target !== null) return targetNorm * (targetFactors[0] as number);
    return sumNorm(
      products,
      selfTerm ? factors : factors.map((factor, other) => (other === index ? 0 : factor)), // the target is the others
    );
  };
  return w.map((value, index) => {
    if (!counts[index]) return 0;
    const length = scoreNorm === 'cosine' ? (lengths[index] as number) * targetLength(index) : 0;
    const score =
      scoreNorm === 'none'
        ? value
        : scoreNorm === 'meanNorm'
          ? value / (meanNorm + NORM_GUARD)
          : length && value / length;
    return clipped(score, clip);
  });
}

/** ||sum_j f_j g_j|| of the universal target. */
function sumNorm(products: readonly (readonly number[])[], factors: readonly number[]): number {
  const square = products.reduce(
    (sum, row, i) =>
      sum + row.reduce((part, product, j) => part + product * (factors[i] as number) * (factors[j] as number), 0),
    0,
  );
  return Math.sqrt(Math.max(0, square));
}
