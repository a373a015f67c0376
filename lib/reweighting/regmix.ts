// RegMix (Liu et al., ICLR 2025, arXiv 2407.01492): train many tiny models on random mixtures, fit the target's loss as
// a law of the mixture, and take what the law likes best among many more random mixtures.
//
// As a rule: `weights` is the mixture of the next tiny model, an update tells its loss, `learned` is the answer so far.
// Mixture number n is a function of the seed and n, so that runs may go side by side and be told in any order.
//
// The authors fit boosted trees (LightGBM) or a linear law; here the law is linear or quadratic. JavaScript has no kept
// library of boosted trees, and ml-random-forest would bring six packages, a second linear algebra and a second random
// generator among them.
import { mismatch, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import { random, seeded, type Random } from '../random.js';
import { byName, proportions, readWeights, requireSimplex, type DomainWeights } from './domains.js';
import { hamilton } from './apportion.js';
import { withinLimits } from './limits.js';
import { fitMixtureLaw, predictLoss, type LawDegree, type MixtureLaw, type MixtureRun } from './mixture-law.js';
import { currentWeights, firstState, requireState, type Reweighter, type ReweighterState } from './reweighter.js';
import { softmax } from './simplex.js';

/** Options of {@link regmix}. The first weights of `init` are the prior: shares of tokens, as a rule. */
export interface RegmixOptions {
  /** Integer >= 0. */
  readonly seed: number;
  /** Dirichlet strengths: log-spaced from the first to the second, both > 0; default [0.1, 15]. */
  readonly strength?: readonly [number, number] | undefined;
  /** Dirichlet concentrations are strength times the normalised prior^priorPower; default 0.5. */
  readonly priorPower?: number | undefined;
  /** A weight is at most this times its prior, before rounding to units; >= 1, default 15. */
  readonly maxRatio?: number | undefined;
  /** Mixtures are multiples of 1 / units, smaller weights 0; default 5000. */
  readonly units?: number | undefined;
  /** Default 'quadratic', which needs k (k + 1) / 2 runs; 'linear' needs k. */
  readonly degree?: LawDegree | undefined;
  /** Penalty >= 0 on squared coefficients; default 0. */
  readonly ridge?: number | undefined;
  /** Random mixtures that the law judges; default 20 000. */
  readonly candidates?: number | undefined;
  /** How many of the best of them are averaged; default 100. */
  readonly best?: number | undefined;
}

/** The outcome of one tiny model. */
export interface RegmixEvidence {
  /** Loss on the target, nats per token. */
  readonly loss: number;
  /** What it was trained on; default: the current weights. */
  readonly mixture?: DomainWeights | undefined;
}

/** State of {@link regmix}. */
export interface RegmixState extends ReweighterState {
  readonly prior: readonly number[];
  readonly runs: readonly MixtureRun[];
}

/** {@link regmix} as a rule, with what is its own. */
export interface Regmix extends Reweighter<RegmixState, RegmixEvidence> {
  /** Mixture number n >= 0 of this seed: state.weights is number state.step. */
  mixture(state: RegmixState, n: number): DomainWeights;
  /** The fitted law; null while the runs do not determine one, and `learned` is still the prior. */
  law(state: RegmixState): MixtureLaw | null;
}

/** How many strengths between the first and the last, as in the authors' code. */
const STRENGTHS = 15;
/** Draws beyond the caps before one is brought within them: low strengths are nearly one-hot, and often are. */
const ATTEMPTS = 1000;
/** The stream of the candidates, beyond those of the mixtures that anyone trains. */
const CANDIDATE_STREAM = 2 ** 52;

type Settings = ReturnType<typeof checkOptions>;

function checkOptions(options: RegmixOptions) {
  const { seed, strength = [0.1, 15], priorPower = 0.5, maxRatio = 15, units = 5000 } = options;
  const { degree = 'quadratic', ridge = 0, candidates = 20_000, best = 100 } = options;
  requireInteger('seed', seed, 0);
  const [weakest, strongest] = strength;
  requireNumber('strength[0]', weakest, 'a number > 0', (value) => value > 0);
  requireNumber('strength[1]', strongest, 'a number >= strength[0]', (value) => value >= weakest);
  requireNumber('priorPower', priorPower, 'a number >= 0', (value) => value >= 0);
  requireNumber('maxRatio', maxRatio, 'a number >= 1', (value) => value >= 1);
  requireInteger('units', units, 1);
  requireOneOf('degree', degree, ['linear', 'quadratic']);
  requireNumber('ridge', ridge, 'a number >= 0', (value) => value >= 0);
  requireInteger('candidates', candidates, 1);
  requireInteger('best', best, 1, candidates);
  return { seed, weakest, strongest, priorPower, maxRatio, units, degree, ridge, candidates, best };
}

/**
 * RegMix as a rule.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function regmix(options: RegmixOptions): Regmix {
  const settings = checkOptions(options);
  const { seed, degree, ridge } = settings;
  const numbered = (prior: readonly number[], n: number) => drawMixture(random(seeded(seed, n)), prior, settings);
  const law = ({ runs }: RegmixState) => fitMixtureLaw(runs, degree, ridge);
  const check = (state: RegmixState) => {
    requireState('regmix', state, ['prior']);
    requireRuns(state);
  };
  return {
    name: 'regmix',
    period: 1,
    needs: 'run',
    init(domains, initial) {
      const first = firstState('regmix', domains, initial);
      return { ...first, weights: numbered(first.weights, 0), prior: first.weights, runs: [] };
    },
    check,
    update(state, { loss, mixture }) {
      check(state);
      if (typeof loss !== 'number') throw mismatch('GRADSIFT_ARGUMENT', 'loss', 'a number', loss);
      if (!Number.isFinite(loss)) throw mismatch('GRADSIFT_NON_FINITE', 'loss', 'a finite number', loss);
      const weights = mixture === undefined ? state.weights : readWeights('mixture', mixture, state.domains);
      const step = state.step + 1;
      return { ...state, step, weights: numbered(state.prior, step), runs: [...state.runs, { weights, loss }] };
    },
    weights: currentWeights,
    learned(state) {
      const fitted = law(state);
      return byName(state.domains, fitted === null ? state.prior : bestMixture(fitted, state.prior, settings));
    },
    mixture(state, n) {
      requireInteger('n', n, 0, CANDIDATE_STREAM - 1);
      return byName(state.domains, numbered(state.prior, n));
    },
    law,
  };
}

function requireRuns({ runs, domains }: RegmixState): void {
  if (!Array.isArray(runs)) throw mismatch('GRADSIFT_ARGUMENT', 'state.runs', 'a list', runs);
  (runs as RegmixState['runs']).forEach((run, n) => {
    requireNumber(`state.runs[${n}].loss`, run?.loss);
    if (!(Array.isArray(run.weights) && run.weights.length === domains.length)) {
      throw mismatch('GRADSIFT_ARGUMENT', `state.runs[${n}].weights`, 'a weight for each domain', run.weights);
    }
    requireSimplex(`state.runs[${n}].weights`, run.weights);
  });
}

/** A mixture from the Dirichlet distribution around the prior, within the caps, in multiples of 1 / units. */
function drawMixture(cursor: Random, prior: readonly number[], settings: Settings): number[] {
  const { weakest, strongest, priorPower, maxRatio, units } = settings;
  const strength = weakest * (strongest / weakest) ** (cursor.below(STRENGTHS) / (STRENGTHS - 1));
  const shape = proportions(
    'prior',
    prior.map((share) => (share > 0 ? share ** priorPower : 0)),
  );
  const cap = prior.map((share) => Math.min(maxRatio * share, 1));
  const floor = prior.map(() => 0);
  let drawn: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; ++attempt) {
    drawn = softmax(shape.map((share) => (share > 0 ? cursor.logGamma(strength * share) : -Infinity)));
    if (drawn.every((weight, index) => weight <= (cap[index] as number))) break;
    if (attempt === ATTEMPTS - 1) drawn = withinLimits(drawn, { floor, cap });
  }
  const kept = drawn.map((weight) => (weight * units < 1 ? 0 : weight));
  // With more domains than units every weight may be that small: then the largest remainders decide.
  const rounded = hamilton(proportions('mixture', kept.some((weight) => weight > 0) ? kept : drawn), units);
  return rounded.map((count) => count / units);
}

/** The mean of the `best` mixtures of lowest predicted loss among the candidates; ties to the first drawn. */
function bestMixture(law: MixtureLaw, prior: readonly number[], settings: Settings): number[] {
  const cursor = random(seeded(settings.seed, CANDIDATE_STREAM));
  const drawn = Array.from({ length: settings.candidates }, () => drawMixture(cursor, prior, settings));
  const losses = drawn.map((weights) => predictLoss(law, weights));
  const order = drawn.map((_, index) => index).sort((a, b) => (losses[a] as number) - (losses[b] as number) || a - b);
  const chosen = order.slice(0, settings.best).map((index) => drawn[index] as number[]);
  return prior.map((_, i) => chosen.reduce((sum, weights) => sum + (weights[i] as number), 0) / settings.best);
}
