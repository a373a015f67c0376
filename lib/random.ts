// The one source of random numbers: Threefry-4x32-20 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011). It is counter-based: word p of stream s under seed k is a function of (k, s, p) alone, so that
// a position is a number in a JSON file, any part of a stream can be made anywhere, and nothing depends on the order of
// calls in other places. Additions, rotations and exclusive or: exact in JavaScript and in C++.
import { createHash } from 'node:crypto';
import { mismatch, requireInteger, requireNumber } from './errors.js';

/** A place in an endless stream of random words: plain data that survives JSON. Streams of one seed are independent. */
export interface RandomState {
  /** Integer in [0, 2^53). */
  readonly seed: number;
  /** Integer in [0, 2^53): which of the seed's streams. */
  readonly stream: number;
  /** Words of 32 bits taken so far, < 2^53. */
  readonly position: number;
}

/** A cursor that moves along a stream. */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  word(): number;
  /** Uniform in [0, 1): a multiple of 2^-53. */
  uniform(): number;
  /** Uniform integer in [0, count), without bias; 1 <= count < 2^53. */
  below(count: number): number;
  /** Standard normal (Box and Muller, one of the pair). */
  normal(): number;
  /** Logarithm of a Gamma(shape, 1) number, shape > 0: finite where the number itself would underflow to 0. */
  logGamma(shape: number): number;
  /** Where the cursor is now. */
  state(): RandomState;
}

/** The beginning of a stream. @throws GRADSIFT_ARGUMENT */
export function seeded(seed: number, stream = 0): RandomState {
  requireInteger('seed', seed, 0);
  requireInteger('stream', stream, 0);
  return { seed, stream, position: 0 };
}

/** A seed for one named purpose of a seed: the first 53 bits of SHA-256 of both. @throws GRADSIFT_ARGUMENT */
export function namedSeed(seed: number, name: string): number {
  requireInteger('seed', seed, 0);
  const digest = createHash('sha256').update(`${seed}:${name}`).digest();
  return digest.readUIntBE(0, 6) * 2 ** 5 + (digest.readUInt8(6) >>> 3);
}

/**
 * A cursor at a place of a stream: equal places give equal numbers, on every machine.
 * @throws GradsiftError GRADSIFT_ARGUMENT for a state that is none
 */
export function random(state: RandomState): Random {
  if (typeof state !== 'object' || state === null) {
    throw mismatch('GRADSIFT_ARGUMENT', 'random', 'a state { seed, stream, position }', state);
  }
  const { seed, stream } = state;
  requireInteger('seed', seed, 0);
  requireInteger('stream', stream, 0);
  requireInteger('position', state.position, 0);
  const key = Uint32Array.of(seed, seed / 2 ** 32, stream, stream / 2 ** 32);
  const counter = new Uint32Array(4);
  const block = new Uint32Array(4);
  let position = state.position;
  let held = -1;

  const word = () => {
    const index = Math.floor(position / 4);
    if (index !== held) {
      counter[0] = index; // stored modulo 2^32
      counter[1] = index / 2 ** 32;
      threefry(key, counter, block);
      held = index;
    }
    return block[position++ % 4] as number;
  };
  // 27 and 26 bits: an integer below 2^53.
  const wide = () => (word() >>> 5) * 2 ** 26 + (word() >>> 6);
  const uniform = () => wide() / 2 ** 53;
  const below = (count: number) => {
    requireInteger('count', count, 1);
    const limit = 2 ** 53 - (2 ** 53 % count); // the largest multiple of count: beyond it some would come up more often
    for (;;) {
      const value = wide();
      if (value < limit) return value % count;
    }
  };
  // 1 - uniform() lies in (0, 1].
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {
    word,
    uniform,
    below,
    normal,
    logGamma: (shape) => logGamma(shape, normal, uniform),
    state: () => ({ seed, stream, position }),
  };
}

/** Marsaglia and Tsang (2000); for shape < 1 by Gamma(shape) = Gamma(shape + 1) U^(1 / shape), in logarithms. */
function logGamma(shape: number, normal: () => number, uniform: () => number): number {
  requireNumber('shape', shape, 'a number > 0', (value) => value > 0);
  if (shape < 1) return logGamma(shape + 1, normal, uniform) + Math.log(1 - uniform()) / shape;
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - uniform()) < (x * x) / 2 + d * (1 - v + Math.log(v))) return Math.log(d) + Math.log(v);
  }
}

// Rotations of the two pairs in rounds 0 .. 7; then they repeat.
const FIRST = Uint8Array.of(10, 11, 13, 23, 6, 17, 25, 18);
const SECOND = Uint8Array.of(26, 21, 27, 5, 20, 11, 10, 20);
const ROUNDS = 20;
const PARITY = 0x1bd11bda;
/** The key and its parity, as `threefry` adds them; filled by each call. */
const SCHEDULE = new Uint32Array(5);

/** One block of four words: the cipher of the counter under the key. */
export function threefry(key: Uint32Array, counter: Uint32Array, out: Uint32Array): void {
  const schedule = SCHEDULE;
  schedule.set(key);
  schedule[4] = PARITY ^ (key[0] as number) ^ (key[1] as number) ^ (key[2] as number) ^ (key[3] as number);
  let a = ((counter[0] as number) + (key[0] as number)) | 0; // | 0 takes a sum modulo 2^32
  let b = ((counter[1] as number) + (key[1] as number)) | 0;
  let c = ((counter[2] as number) + (key[2] as number)) | 0;
  let d = ((counter[3] as number) + (key[3] as number)) | 0;
  for (let round = 0; round < ROUNDS; ++round) {
    const first = FIRST[round % 8] as number;
    const second = SECOND[round % 8] as number;
    a = (a + b) | 0;
    c = (c + d) | 0;
    const crossed = ((b << first) | (b >>> (32 - first))) ^ a;
    b = ((d << second) | (d >>> (32 - second))) ^ c;
    d = crossed;
    if (round % 4 !== 3) continue;
    const injection = (round + 1) / 4;
    a = (a + (schedule[injection % 5] as number)) | 0;
    b = (b + (schedule[(injection + 1) % 5] as number)) | 0;
    c = (c + (schedule[(injection + 2) % 5] as number)) | 0;
    d = (d + (schedule[(injection + 3) % 5] as number) + injection) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}
