// Small stores with known answers, and data from an integer hash: the same on every machine, no random library.
import { openGradients } from '../../lib/gradients/open-gradients.js';
import type { GradientStore } from '../../lib/gradients/store.js';

/** One layer of a store: [samples, r, d]. */
export interface Block {
  readonly shape: readonly [number, number, number];
  readonly rows: Float64Array | Float32Array;
}

export function store(layers: Readonly<Record<string, Block>>, source = 'memory'): Promise<GradientStore> {
  return openGradients({ layers }, { source });
}

/** Uniform numbers in [-1, 1) from a hash of (seed, index). */
export function noise(seed: number, length: number): Float64Array {
  const out = new Float64Array(length);
  for (let i = 0; i < length; ++i) {
    let x = (Math.imul(seed + 1, 0x9e3779b9) ^ Math.imul(i + 1, 0x85ebca6b)) >>> 0;
    for (const factor of [0x7feb352d, 0x846ca68b]) {
      x ^= x >>> 16;
      x = Math.imul(x, factor) >>> 0;
    }
    out[i] = ((x ^ (x >>> 15)) >>> 0) / 2 ** 31 - 1;
  }
  return out;
}

export function noisyBlock(seed: number, samples: number, r: number, d: number): Block {
  return { shape: [samples, r, d], rows: noise(seed, samples * r * d) };
}

/** influence.md O1: code layout r = 2, d = 3, n = 2, one query; every answer is an exact fraction. */
export const O1 = {
  train: { layer: { shape: [2, 2, 3], rows: Float64Array.of(1, 2, 0, 0, 1, -1, 2, 0, 1, 1, -1, 0) } },
  val: { layer: { shape: [1, 2, 3], rows: Float64Array.of(1, 0, 1, 0, 2, -1) } },
  damping: 7 / 60,
} as const satisfies { train: Record<string, Block>; val: Record<string, Block>; damping: number };

export function maxAbs(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; ++i) most = Math.max(most, Math.abs(values[i] as number));
  return most;
}

/** max |a - b| / max |b| */
export function relativeGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; ++i) most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most / maxAbs(b);
}
