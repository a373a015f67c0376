// Draws samples of domains by weights that may change at any time, without losing or repeating any.
//
// Everything is a function of the seed and of counts: draw n chooses its domain by number n of one stream; the t-th
// sample of a domain is number t of that domain's own order, whatever the weights were. So a sampler resumes exactly
// from its counts, a change of weights moves no sample within its domain, and a new domain leaves the others alone.
import { mismatch, requireInteger } from '../errors.js';
import { namedSeed, random, seeded } from '../random.js';
import {
  byName,
  readAllNumbers,
  readWeights,
  requireNames,
  total,
  type DomainNumbers,
  type DomainWeights,
} from './domains.js';

/** Options of {@link mixtureSampler}. */
export interface MixtureSamplerOptions {
  /** Samples of each domain, whole numbers below 2^32. */
  readonly sizes: DomainNumbers;
  /** Integer >= 0. */
  readonly seed: number;
  /**
   * false (default): each epoch of a domain is one shuffle of all its samples, none comes twice. true: each draw is
   * uniform over the domain.
   */
  readonly replacement?: boolean | undefined;
}

/** Where a sampler is: plain data that survives JSON. */
export interface MixtureSamplerState {
  readonly seed: number;
  /** Samples drawn. */
  readonly drawn: number;
  /** Samples drawn of each domain: epochs and place follow from its size. */
  readonly taken: DomainNumbers;
}

/** One sample: its domain, and its place there, from 0. */
export interface DrawnSample {
  readonly domain: string;
  readonly index: number;
}

/** Draws by weights. Pure: it keeps the current shuffle of each domain for speed, and nothing that shows. */
export interface MixtureSampler {
  init(): MixtureSamplerState;
  /**
   * The next samples, and the state after them.
   * @throws GRADSIFT_ARGUMENT when a domain with no data has a weight > 0
   */
  draw(
    state: MixtureSamplerState,
    weights: DomainWeights,
    count: number,
  ): { readonly samples: DrawnSample[]; readonly state: MixtureSamplerState };
}

/** Streams of a domain's own seed: epochs count from 0, single draws from here. */
const SINGLE_DRAWS = 2 ** 52;

/**
 * A sampler over domains of known size.
 * @throws GradsiftError GRADSIFT_ARGUMENT
 */
export function mixtureSampler({ sizes, seed, replacement = false }: MixtureSamplerOptions): MixtureSampler {
  const first = seeded(seed);
  if (typeof replacement !== 'boolean') {
    throw mismatch('GRADSIFT_ARGUMENT', 'replacement', 'true or false', replacement);
  }
  const names = Object.keys(sizes);
  requireNames('sizes', names);
  const counts = readAllNumbers('sizes', sizes, names);
  counts.forEach((size, index) => requireInteger(`sizes.${names[index]}`, size, 0, 2 ** 32 - 1));
  const seeds = names.map((name) => namedSeed(seed, name));
  const shuffles = new Map<number, { epoch: number; order: Uint32Array }>();

  const place = (domain: number, t: number) => {
    const size = counts[domain] as number;
    const own = seeds[domain] as number;
    if (replacement) return random(seeded(own, SINGLE_DRAWS + t)).below(size);
    const epoch = Math.floor(t / size);
    let shuffle = shuffles.get(domain);
    if (shuffle?.epoch !== epoch) {
      shuffle = { epoch, order: shuffled(size, own, epoch) };
      shuffles.set(domain, shuffle);
    }
    return shuffle.order[t % size] as number;
  };
  return {
    init: () => ({ seed, drawn: 0, taken: Object.fromEntries(names.map((name) => [name, 0])) }),
    draw(state, weights, count) {
      const taken = readState(state, seed, names);
      requireInteger('count', count, 0);
      const choose = chooser(readWeights('weights', weights, names), counts, names);
      const cursor = random({ ...first, position: 2 * state.drawn });
      const samples = Array.from({ length: count }, (): DrawnSample => {
        const domain = choose(cursor.uniform());
        const t = taken[domain] as number;
        taken[domain] = t + 1;
        return { domain: names[domain] as string, index: place(domain, t) };
      });
      return { samples, state: { seed, drawn: state.drawn + count, taken: byName(names, taken) } };
    },
  };
}

function readState(state: MixtureSamplerState, seed: number, names: readonly string[]): number[] {
  if (typeof state !== 'object' || state === null || state.seed !== seed) {
    throw mismatch('GRADSIFT_ARGUMENT', 'state', `a state of a sampler with seed ${seed}`, state?.seed);
  }
  // Two words a draw.
  requireInteger('state.drawn', state.drawn, 0, 2 ** 51);
  const taken = readAllNumbers('state.taken', state.taken, names);
  taken.forEach((count, index) => requireInteger(`state.taken.${names[index]}`, count, 0));
  if (total(taken) !== state.drawn) throw mismatch('GRADSIFT_ARGUMENT', 'state.drawn', 'the sum of taken', state.drawn);
  return taken;
}

/** The domain of a number in [0, 1): the first whose share of the weights, added up, is above it. */
function chooser(weights: readonly number[], sizes: readonly number[], names: readonly string[]) {
  const empty = names.findIndex((_, index) => (weights[index] as number) > 0 && sizes[index] === 0);
  if (empty >= 0) {
    const name = `weights.${names[empty]}`;
    throw mismatch('GRADSIFT_ARGUMENT', name, '0 for a domain with no data', weights[empty]);
  }
  let sum = 0;
  const upTo = Float64Array.from(weights, (weight) => (sum += weight));
  const last = weights.findLastIndex((weight) => weight > 0);
  return (u: number) => {
    const at = u * sum;
    let [low, high] = [0, last]; // u * sum may round up to the sum: then it is the last domain with a weight
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] as number) > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Fisher and Yates. */
function shuffled(size: number, seed: number, epoch: number): Uint32Array {
  const cursor = random(seeded(seed, epoch));
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  for (let last = size - 1; last > 0; --last) {
    const other = cursor.below(last + 1);
    const moved = order[last] as number;
    order[last] = order[other] as number;
    order[other] = moved;
  }
  return order;
}
