import { callSync, threadCount, type CallOptions } from '../native/calls.js';
import { requireFloat32 } from './array-checks.js';

/**
 * How fast the machine reads these values, front to back, only to add them up: the yardstick of the benchmarks for
 * passes over rows. One read: take the median of several. Values that fit a cache measure the cache.
 *
 * @returns bytes a second of all threads together
 * @throws GradsiftError GRADSIFT_DTYPE
 */
export function readPeak(values: Float32Array, options: CallOptions = {}): number {
  requireFloat32('values', values, 0);
  const started = performance.now();
  callSync('readPeak', [values, new Float64Array(1), values.length], { threads: threadCount(options.threads) });
  return (values.byteLength * 1000) / (performance.now() - started);
}
