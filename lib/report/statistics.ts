/** The values that are numbers: samples left out of the scoring have NaN. */
export function finite(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values as Iterable<number> & ArrayLike<number>).filter(Number.isFinite);
}

/** Linear interpolation between order statistics. `sorted` ascending, not empty; share in [0, 1]. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (at - below);
}

/** Median and median absolute deviation, the latter scaled to equal the standard deviation for normal data. */
export function robustScale(values: ArrayLike<number>): { readonly median: number; readonly deviation: number } {
  const sorted = finite(values).sort();
  if (sorted.length === 0) return { median: NaN, deviation: NaN };
  const median = quantile(sorted, 0.5);
  const distances = sorted.map((value) => Math.abs(value - median)).sort();
  return { median, deviation: 1.4826 * quantile(distances, 0.5) };
}

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Equal bins over the range of the values, with an edge at 0 if 0 lies within, so that no bin mixes both signs. */
export function histogram(values: ArrayLike<number>, bins = 60): Bin[] {
  const numbers = finite(values);
  if (numbers.length === 0) return [];
  const low = numbers.reduce((a, b) => Math.min(a, b));
  const high = numbers.reduce((a, b) => Math.max(a, b));
  if (low === high) return [{ from: low, to: high, count: numbers.length }];
  const width = (high - low) / bins;
  const crossing = low < 0 && high > 0;
  const first = crossing ? -Math.ceil(-low / width) * width : low;
  const count = Math.ceil((high - first) / width - 1e-9);
  const counts = new Float64Array(count);
  for (const value of numbers) {
    const at = Math.min(count - 1, Math.max(0, Math.floor((value - first) / width)));
    counts[at] = (counts[at] as number) + 1;
  }
  return Array.from(counts, (n, k) => ({ from: first + k * width, to: first + (k + 1) * width, count: n }));
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; ++i) sum += values[i] as number;
  return sum / values.length;
}

/** Standard deviation of a sample (divisor n - 1); 0 for a single value. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; ++i) squares += ((values[i] as number) - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}
