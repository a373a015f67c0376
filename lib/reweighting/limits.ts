// Floors and caps of weights.
import { GradsiftError, requireNumber } from '../errors.js';
import { readNumbers, total, type DomainNumbers } from './domains.js';

/** Bounds of the weights after each update. */
export interface LimitOptions {
  /** Least weight of every domain, or of those named; in [0, 1]. Default 0. */
  readonly floor?: number | DomainNumbers | undefined;
  /** Most weight of every domain, or of those named; in [0, 1]. Default 1. */
  readonly cap?: number | DomainNumbers | undefined;
}

/** Bounds by domain, in the order of the domains. */
export interface Limits {
  readonly floor: readonly number[];
  readonly cap: readonly number[];
}

const isShare = (value: number) => value >= 0 && value <= 1;

/** @throws GRADSIFT_ARGUMENT for a single bound out of range; bounds by name are checked with the domains */
export function requireLimitOptions(options: LimitOptions): void {
  for (const name of ['floor', 'cap'] as const) {
    const bound = options[name];
    if (bound !== undefined && typeof bound !== 'object') requireNumber(name, bound, 'a number in [0, 1]', isShare);
  }
}

function readBound(name: string, bound: number | DomainNumbers | undefined, domains: readonly string[], unset: number) {
  if (bound === undefined || typeof bound === 'number') return domains.map(() => bound ?? unset);
  return readNumbers(name, bound, domains).map((value, index) => {
    const own = value ?? unset;
    requireNumber(`${name}.${domains[index]}`, own, 'a number in [0, 1]', isShare);
    return own;
  });
}

/** Bounds for these domains; null when there are none. @throws GRADSIFT_ARGUMENT when no weights could keep them */
export function limitsOf(options: LimitOptions, domains: readonly string[]): Limits | null {
  if (options.floor === undefined && options.cap === undefined) return null;
  const floor = readBound('floor', options.floor, domains, 0);
  const cap = readBound('cap', options.cap, domains, 1);
  requireFeasible({ floor, cap }, domains);
  return { floor, cap };
}

/** @throws GRADSIFT_ARGUMENT unless floor <= cap for each domain and sum floor <= 1 <= sum cap */
export function requireFeasible({ floor, cap }: Limits, domains: readonly string[]): void {
  const crossed = domains.findIndex((_, index) => !((floor[index] as number) <= (cap[index] as number)));
  if (crossed >= 0) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `floor, cap: the floor of ${domains[crossed]} is above its cap`);
  }
  // A floor of 1/k for each of k domains sums to 1 only up to rounding.
  const rounding = domains.length * 2 ** -52;
  if (!(total(floor) <= 1 + rounding)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `floor: expected floors that sum to at most 1, got ${total(floor)}`);
  }
  if (!(total(cap) >= 1 - rounding)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `cap: expected caps that sum to at least 1, got ${total(cap)}`);
  }
}

/**
 * The weights within the limits that are nearest in Kullback-Leibler divergence: w_i <- clamp(c w_i, floor_i, cap_i)
 * with the one c > 0 that makes their sum 1. Domains within their limits so keep their proportions, and what a cap cuts
 * off flows to them (water-filling). What remains when every positive weight is at its cap goes to the domains of
 * weight 0, in proportion to the room below their caps.
 */
export function withinLimits(weights: readonly number[], { floor, cap }: Limits): number[] {
  const clamp = (c: number) =>
    weights.map((weight, i) => Math.min(Math.max(c * weight, floor[i] as number), cap[i] as number));
  // The sum of clamp(c) grows with c and is linear between the values of c at which a domain meets a bound.
  const meets = weights
    .flatMap((weight, i) => (weight > 0 ? [(floor[i] as number) / weight, (cap[i] as number) / weight] : []))
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  let [low, high] = [0, meets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (total(clamp(meets[middle] as number)) < 1) low = middle + 1;
    else high = middle;
  }
  if (low === meets.length) return fillRoom(clamp(meets.at(-1) ?? 0), cap);
  const above = meets[low] as number;
  const below = low === 0 ? 0 : (meets[low - 1] as number);
  const [atBelow, atAbove] = [total(clamp(below)), total(clamp(above))];
  return clamp(atAbove > atBelow ? below + ((above - below) * (1 - atBelow)) / (atAbove - atBelow) : above);
}

function fillRoom(weights: readonly number[], cap: readonly number[]): number[] {
  const missing = 1 - total(weights);
  const room = weights.map((weight, index) => (cap[index] as number) - weight);
  const all = total(room);
  return missing > 0 && all > 0
    ? weights.map((w, index) => w + (missing * (room[index] as number)) / all)
    : [...weights];
}
