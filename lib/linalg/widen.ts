import { requireOneOf } from '../errors.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { requireApart, requireFloat32, requireHalves } from './array-checks.js';

/** Sixteen-bit float formats, by their safetensors names: bfloat16 and IEEE half. */
export type HalfDtype = 'BF16' | 'F16';

/**
 * Sixteen-bit floats, as stored bits, widened exactly to float32: subnormals, infinities and NaNs included.
 *
 * @param bits the stored values
 * @param out receives bits.length values; allocated when absent
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function widen(bits: Uint16Array, dtype: HalfDtype, out?: Float32Array, options?: CallOptions): Float32Array {
  const { values, args } = prepare(bits, dtype, out);
  callSync('widen', args, options);
  return values;
}

/** As {@link widen}, on the thread pool. */
export async function widenAsync(
  bits: Uint16Array,
  dtype: HalfDtype,
  out?: Float32Array,
  options?: AsyncCallOptions,
): Promise<Float32Array> {
  const { values, args } = prepare(bits, dtype, out);
  await callAsync('widen', args, options);
  return values;
}

function prepare(bits: Uint16Array, dtype: HalfDtype, out: Float32Array | undefined) {
  requireHalves('bits', bits, 0);
  requireOneOf('dtype', dtype, ['BF16', 'F16']);
  const values = out ?? new Float32Array(bits.length);
  requireFloat32('out', values, bits.length);
  requireApart('out', values, 'bits', bits);
  return { values, args: [bits, values, bits.length, dtype === 'BF16'] };
}
