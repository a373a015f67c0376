// The two ways of `gradsift mix sample`: drawn at random, or in the order of Megatron-LM; each goes on from its state.
import { GradsiftError, mismatch, requireOneOf } from '../errors.js';
import { isRecord } from '../gradients/json.js';
import { megatronBlend } from '../reweighting/blend.js';
import type { DomainNumbers, DomainWeights } from '../reweighting/domains.js';
import { mixtureSampler, type DrawnSample, type MixtureSamplerState } from '../reweighting/mixture-sampler.js';
import { readObject } from './json-input.js';
import { jsonText } from './json-text.js';

const SCHEMA = 'gradsift/mix-samples/1';
/** Samples drawn at a time. */
const CHUNK = 8192;

/** What decides the draws beside the weights. */
export interface DrawSettings {
  readonly blend: 'random' | 'megatron';
  readonly seed: number;
  readonly replacement: boolean;
  /** Samples of each domain. */
  readonly sizes: DomainNumbers;
  /** Megatron's order is that of one mixture; draws at random may change theirs. */
  readonly weights?: DomainWeights | undefined;
}

export interface Draws {
  readonly settings: DrawSettings;
  /** Samples drawn of each domain so far. */
  readonly taken: DomainNumbers;
  /** The next samples; `taken` and `text` then stand after those that were asked for. */
  next(weights: DomainWeights, count: number): Generator<DrawnSample>;
  /** The file of the state. */
  text(): string;
}

interface Saved {
  readonly settings: DrawSettings;
  readonly drawn: number;
  readonly taken: DomainNumbers;
}

/** Reads a state. @throws GRADSIFT_FORMAT, GRADSIFT_IO naming the file */
export function readDraws(path: string): Saved {
  const { schema, settings, drawn, taken } = readObject('--state', path);
  if (schema !== SCHEMA) throw mismatch('GRADSIFT_FORMAT', `--state: ${path}`, `the schema ${SCHEMA}`, schema);
  if (!(isRecord(settings) && isRecord(taken) && isRecord(settings.sizes))) {
    throw new GradsiftError('GRADSIFT_FORMAT', `--state: ${path}: expected settings with sizes, and what was taken`);
  }
  requireOneOf('settings.blend', settings.blend, ['random', 'megatron']);
  return { settings, drawn, taken } as unknown as Saved;
}

/** @throws GRADSIFT_ARGUMENT for settings that are none; GRADSIFT_FORMAT for a state that is none */
export function startDraws(settings: DrawSettings, saved: Saved | undefined): Draws {
  const { blend, seed, sizes } = settings;
  const names = Object.keys(sizes);
  const sampler = mixtureSampler({ ...settings, sizes });
  let state: MixtureSamplerState = {
    seed,
    drawn: saved === undefined ? 0 : saved.drawn,
    taken: saved?.taken ?? Object.fromEntries(names.map((name) => [name, 0])),
  };
  const megatron = (weights: DomainWeights, count: number) => {
    const order = Object.keys(weights);
    const place = { ...state.taken };
    const stretch = megatronBlend(weights, count, state.taken);
    state = { seed, drawn: state.drawn + count, taken: stretch.counts };
    return Array.from(stretch.order, (domain): DrawnSample => {
      const name = order[domain] as string;
      const index = place[name] as number;
      place[name] = index + 1;
      return { domain: name, index };
    });
  };
  const random = (weights: DomainWeights, count: number) => {
    const drawn = sampler.draw(state, weights, count);
    state = drawn.state;
    return drawn.samples;
  };
  return {
    settings,
    get taken() {
      return state.taken;
    },
    *next(weights, count) {
      for (let left = count; left > 0; left -= CHUNK) {
        yield* (blend === 'megatron' ? megatron : random)(weights, Math.min(CHUNK, left));
      }
    },
    text: () => `${jsonText({ schema: SCHEMA, settings, drawn: state.drawn, taken: state.taken })}\n`,
  };
}

/** A state goes on with the settings that it began with. @throws GRADSIFT_ARGUMENT naming the option */
export function requireSame(saved: DrawSettings, given: Partial<DrawSettings>, path: string): void {
  for (const key of ['blend', 'seed', 'replacement', 'sizes', 'weights'] as const) {
    const [before, now] = [saved[key], given[key]];
    if (now === undefined || before === undefined || sameJson(before, now)) continue;
    const name = key === 'weights' ? '--mixture' : `--${key}`;
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: expected what ${path} began with, or another state`);
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  if (!(isRecord(a) && isRecord(b))) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
