import { binding } from '../../lib/native/binding.js';
import type { FloatArray } from '../../lib/native/binding.js';
import { normals, U32, U64 } from './matrices.js';

const chosen = binding.isa();

/** Instruction sets of this build that this machine has, best first; the last is portable, the oracle. */
export const ALL_ISAS = Object.keys(binding.instructionSets).filter((name) => binding.instructionSets[name]);

/** Those that differ in more than the dot products of bfloat16, which have their own test. */
export const ISAS = ALL_ISAS.filter((name) => name !== 'avx512bf16');

/** For describe.each: runs the suite on every instruction set; use `beforeAll(select(isa))` and `afterAll(restore)`. */
export const select = (isa: string) => () => {
  expect(binding.selectIsa(isa)).toBe(true);
};

export function restore(): void {
  binding.selectIsa(chosen);
}

/** Instruction sets of this build that cannot be tested here, as titles for test.skip. */
export const MISSING = Object.keys(binding.instructionSets)
  .filter((name) => !binding.instructionSets[name])
  .map((name) => `${name} (needs a processor that has it)`);

export type Dtype = 'f32' | 'f64';
export const DTYPES: readonly Dtype[] = ['f32', 'f64'];
export const UNIT_ROUNDOFF = { f32: U32, f64: U64 };

export function array(dtype: Dtype, values: ArrayLike<number>): FloatArray {
  return dtype === 'f32' ? Float32Array.from(values) : Float64Array.from(values);
}

/** Normal numbers in the type, the same on every run. */
export const random = (dtype: Dtype, seed: number, length: number): FloatArray => array(dtype, normals(seed, length));

/**
 * Small integers: sums of their products are exact in float32, so that every instruction set must give the same bits.
 */
export const integers = (dtype: Dtype, seed: number, length: number): FloatArray =>
  array(dtype, normals(seed, length).map(Math.round));

/** A reproducible stream of numbers in [0, below). */
export function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Bytes, for comparisons to the last bit (NaN equals NaN, 0 differs from -0). */
export const bits = (values: ArrayBufferView): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength);

/**
 * The largest of |actual - exact| / (terms * unit * size), where size is the sum of absolute products behind an
 * element: at most 1 when every element is a sum of `terms` products, each operation rounded to `unit` (Higham, section
 * 3.1).
 */
export function worstShare(
  actual: ArrayLike<number>,
  exact: ArrayLike<number>,
  size: ArrayLike<number>,
  terms: number,
  unit: number,
): number {
  let worst = 0;
  for (let i = 0; i < exact.length; ++i) {
    const error = Math.abs((actual[i] as number) - (exact[i] as number));
    const share = error === 0 ? 0 : error / (terms * unit * (size[i] as number));
    if (!(share <= worst)) worst = share; // also takes NaN
    if (Number.isNaN(share)) return share;
  }
  return worst;
}
