// DGA: Dynamic Gradient Alignment (Fan, Grangier and Ablin, arXiv 2410.02498).
//
// While the real model trains on domains drawn by alpha, every `period` steps one minibatch of each domain and one of a
// small specific set give
//
//     a_i        = <grad l(theta; x_i), grad l(theta; y)>
//     alpha_inst = normalise(alpha exp(eta a))
//     alpha      = (1 - beta) alpha + beta alpha_inst
//
// A positive alignment raises a weight: to first order a step along g_i lowers the specific loss by gamma a_i. (The
// printed algorithm is said to have the other sign; that one climbs, and a test here shows it.) The paper's values of
// eta, the period and beta are not known to us: they are options, and no parity is claimed.
//
// Thousands of clusters: let the domains be a few basis distributions over the clusters, and see mixBasis.
import { mismatch, requireInteger, requireNumber, requireOneOf } from '../errors.js';
import { clipped, requireClip, type Clip } from './clip.js';
import { readNumbers, requireSimplex, total, type DomainNumbers } from './domains.js';
import {
  ABSENT_POLICIES,
  currentWeights,
  finish,
  firstState,
  requirePositive,
  requireState,
  requireWeightOptions,
  type AbsentPolicy,
  type Reweighter,
  type ReweighterState,
  type WeightOptions,
} from './reweighter.js';
import { exponentiatedGradient } from './simplex.js';

/** Options of {@link dga}. */
export interface DgaOptions extends WeightOptions {
  /** Name of the specific set, which must be none of the domains. */
  readonly target?: string | undefined;
  /** Training steps between updates, >= 1; default 100. */
  readonly period?: number | undefined;
  /** eta > 0, per unit of alignment; default 1. */
  readonly stepSize?: number | undefined;
  /**
   * Moving average of the weights: `beta` in (0, 1] is the share of the new. `feedBack` true (default): the average
   * goes into the next update, as above. false: the raw weights go on by themselves, the average is only drawn from.
   */
  readonly ema?: { readonly beta: number; readonly feedBack?: boolean | undefined } | undefined;
  /** 'none' (default), 'cosine' (over the norms of both gradients), or 'maxAbs' (centred, over the largest |a_i|). */
  readonly scoreNorm?: 'none' | 'cosine' | 'maxAbs' | undefined;
  /** Least and most score, after its norm and before eta; null (default) for none. */
  readonly clip?: Clip | null | undefined;
  /**
   * A domain that the evidence leaves out: 'skip' (default) and 'zero' score 0, but 'zero' counts when scores are
   * centred; 'stale' has its last alignment and norm.
   */
  readonly absent?: AbsentPolicy | undefined;
}

/** What one alignment step gives to {@link dga}. */
export interface DgaEvidence {
  /** a_i = <g_i, g_target> for each domain measured. Average gradients over ranks before taking products. */
  readonly alignment: DomainNumbers;
  /** ||g_i||, for scoreNorm 'cosine'. */
  readonly norms?: DomainNumbers | undefined;
  /** ||g_target||, for scoreNorm 'cosine'. */
  readonly targetNorm?: number | undefined;
}

/** State of {@link dga}. */
export interface DgaState extends ReweighterState {
  /** What the next update starts from: the weights themselves, or the raw ones of an average without feedback. */
  readonly raw: readonly number[];
  /** Last known scores, for absent 'stale'. */
  readonly last: readonly number[];
}

type Settings = ReturnType<typeof checkOptions>;

function checkOptions(options: DgaOptions) {
  requireWeightOptions(options);
  const { target, period = 100, stepSize = 1, ema, scoreNorm = 'none', clip = null, absent = 'skip' } = options;
  if (target !== undefined && typeof target !== 'string')
    throw mismatch('GRADSIFT_ARGUMENT', 'target', 'a name', target);
  requireInteger('period', period, 1);
  requirePositive('stepSize', stepSize);
  const { beta, feedBack = true } = ema ?? { beta: 1 };
  requireNumber('ema.beta', beta, 'a number in (0, 1]', (value) => value > 0 && value <= 1);
  if (typeof feedBack !== 'boolean') throw mismatch('GRADSIFT_ARGUMENT', 'ema.feedBack', 'true or false', feedBack);
  requireOneOf('scoreNorm', scoreNorm, ['none', 'cosine', 'maxAbs']);
  requireOneOf('absent', absent, ABSENT_POLICIES);
  if (clip !== null) requireClip(clip);
  return { target, period, stepSize, beta, feedBack, scoreNorm, clip, absent };
}

/**
 * DGA as a rule: `weights` are what the next training steps draw domains by, and `learned` is the same.
 * @throws GradsiftError GRADSIFT_ARGUMENT naming the option
 */
export function dga(options: DgaOptions = {}): Reweighter<DgaState, DgaEvidence> {
  const settings = checkOptions(options);
  const check = (state: DgaState) => {
    requireState('dga', state, ['raw', 'last']);
    requireSimplex('state.raw', state.raw);
  };
  return {
    name: 'dga',
    period: settings.period,
    needs: 'alignment',
    target: settings.target,
    init(domains, initial) {
      const first = firstState('dga', domains, initial, options);
      if (settings.target !== undefined && domains.includes(settings.target)) {
        throw mismatch('GRADSIFT_ARGUMENT', 'target', 'a target that is none of the domains', settings.target);
      }
      return { ...first, raw: first.weights, last: domains.map(() => 0) };
    },
    check,
    update(state, evidence) {
      check(state);
      const measured = scores(state, evidence, settings);
      const known = measured.map((score, i) => score ?? (settings.absent === 'stale' ? (state.last[i] as number) : 0));
      const counted = measured.map((score) => score !== undefined || settings.absent !== 'skip');
      const gains = shaped(known, counted, settings).map((score) => settings.stepSize * score);
      const instant = finish(exponentiatedGradient(state.raw, gains), state.domains, options);
      const averaged = average(state.weights, instant, settings.beta);
      const raw = settings.feedBack ? averaged : instant;
      return { ...state, step: state.step + 1, weights: averaged, raw, last: known };
    },
    weights: currentWeights,
    learned: currentWeights,
  };
}

/** The scores of the domains measured: a_i, or its cosine. */
function scores({ domains }: DgaState, evidence: DgaEvidence, { scoreNorm }: Settings): (number | undefined)[] {
  const alignment = readNumbers('alignment', evidence.alignment, domains);
  if (scoreNorm !== 'cosine') return alignment;
  const norms = readNumbers('norms', evidence.norms, domains);
  const { targetNorm } = evidence;
  requireNumber('targetNorm', targetNorm, 'a number >= 0', (value) => value >= 0);
  return alignment.map((value, index) => {
    if (value === undefined) return undefined;
    const norm = norms[index];
    requireNumber(`norms.${domains[index]}`, norm, 'a number >= 0', (x) => x >= 0);
    return norm * targetNorm && value / (norm * targetNorm); // a zero gradient is aligned with nothing
  });
}

/** Centred and scaled over the domains that count, then clipped; 0 for the others. */
function shaped(scores: readonly number[], counted: readonly boolean[], { scoreNorm, clip }: Settings): number[] {
  const own = scores.filter((_, index) => counted[index]);
  const mean = scoreNorm === 'maxAbs' ? total(own) / Math.max(1, own.length) : 0;
  const largest = own.reduce((most, score) => Math.max(most, Math.abs(score - mean)), 0);
  const scale = scoreNorm === 'maxAbs' && largest > 0 ? largest : 1;
  return scores.map((score, index) => (counted[index] ? clipped((score - mean) / scale, clip) : 0));
}

function average(old: readonly number[], instant: readonly number[], beta: number): number[] {
  return old.map((weight, index) => (1 - beta) * weight + beta * (instant[index] as number));
}
