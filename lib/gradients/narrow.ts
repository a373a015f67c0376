// Numbers as sixteen-bit floats, rounded to nearest, ties to even: the other direction of lib/linalg/widen.ts.
import type { HalfDtype } from '../linalg/widen.js';

/**
 * Rounds float32 numbers to bits of BF16 or F16. NaN and infinity stay what they are.
 *
 * @param out receives values.length bits
 * @returns the index of the first finite number that is too large for the format, or -1
 */
export function narrow(values: Float32Array, dtype: HalfDtype, out: Uint16Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const round = dtype === 'BF16' ? bfloat16 : float16;
  const infinity = dtype === 'BF16' ? 0x7f80 : 0x7c00;
  let first = -1;
  for (let i = 0; i < bits.length; ++i) {
    const value = bits[i] as number;
    const rounded = round(value);
    out[i] = rounded;
    if ((rounded & 0x7fff) === infinity && (value & 0x7fffffff) !== 0x7f800000 && first < 0) first = i;
  }
  return first;
}

function bfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // a NaN stays one, whatever bits are cut off
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function float16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00; // NaN
  if (size >= 0x47800000) return sign | 0x7c00; // 2^16 and more
  if (size >= 0x38800000) {
    // 2^-14 and more: the exponent is 112 less, 13 bits of the fraction go; a carry into the exponent is right.
    return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  }
  if (size < 0x33000000) return sign; // less than 2^-25, half of the least
  // Subnormal: the fraction with its leading 1 in units of 2^-24.
  const fraction = (size & 0x7fffff) | 0x800000;
  const shift = 126 - (size >>> 23);
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + Number(rest > half || (rest === half && (kept & 1) === 1)));
}
