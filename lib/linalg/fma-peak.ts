import { requireOneOf } from '../errors.js';
import { callSync, threadCount, type CallOptions } from '../native/calls.js';

/** What to measure. */
export interface FmaPeakOptions extends CallOptions {
  /** Default 'f32'. */
  readonly dtype?: 'f32' | 'f64';
}

/**
 * Multiply-adds that the machine can do from registers alone, on the instruction set in use: the yardstick of the
 * benchmarks. Takes about 50 ms; the best of several short runs.
 *
 * @returns flops a second of all threads together (a multiply-add is two flops)
 */
export function fmaPeak(options: FmaPeakOptions = {}): number {
  const { dtype = 'f32', threads } = options;
  requireOneOf('dtype', dtype, ['f32', 'f64']);
  const flops = new Float64Array(1);
  let best = 0;
  for (let run = 0; run < 10; ++run) {
    const started = performance.now();
    callSync('fmaPeak', [flops, 250_000, dtype === 'f64'], { threads: threadCount(threads) });
    best = Math.max(best, ((flops[0] as number) * 1000) / (performance.now() - started));
  }
  return best;
}
