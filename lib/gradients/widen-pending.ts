import { GradsiftError } from '../errors.js';

/** Stands in until lib/linalg/widen.ts is there. */
export function widenAsync(bits: Uint16Array, dtype: 'F16' | 'BF16', out: Float32Array): Promise<void> {
  return Promise.reject(new GradsiftError('GRADSIFT_DTYPE', `${dtype}: ${bits.length} to ${out.length}: not yet`));
}
