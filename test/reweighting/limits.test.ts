import { dga } from '../../lib/reweighting/dga.js';
import { limitsOf, withinLimits } from '../../lib/reweighting/limits.js';
import { thrownCode } from '../linalg/matrices.js';
import { divergence, largestGap, simplexPoint, sum } from './numbers.js';

const DOMAINS = ['a', 'b', 'c', 'd'];
const within = (weights: number[], floor: number[], cap: number[]) => withinLimits(weights, { floor, cap });
const NONE = [0, 0, 0, 0];
const ALL = [1, 1, 1, 1];
// Sums of four shares, and one division.
const BOUND = 16 * 2 ** -53;

test('what a cap cuts off flows to the others in proportion', () => {
  const found = within([0.5, 0.3, 0.1, 0.1], NONE, [0.25, 1, 1, 1]);
  expect(largestGap(found, [0.25, 0.45, 0.15, 0.15])).toBeLessThanOrEqual(BOUND);
  // Twice over: the flow takes the second over its own cap.
  const twice = within([0.5, 0.3, 0.1, 0.1], NONE, [0.25, 0.35, 1, 1]);
  expect(largestGap(twice, [0.25, 0.35, 0.2, 0.2])).toBeLessThanOrEqual(BOUND);
});

test('a floor takes from the others in proportion', () => {
  const found = within([0.6, 0.4, 0, 0], [0, 0, 0.1, 0.1], ALL);
  expect(largestGap(found, [0.48, 0.32, 0.1, 0.1])).toBeLessThanOrEqual(BOUND);
});

test('weights within their limits stay as they are; the corners', () => {
  expect(largestGap(within([0.4, 0.3, 0.2, 0.1], NONE, ALL), [0.4, 0.3, 0.2, 0.1])).toBeLessThanOrEqual(BOUND);
  expect(within([1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], ALL)).toEqual([0.25, 0.25, 0.25, 0.25]);
  expect(within([1, 0, 0, 0], NONE, [0.25, 0.25, 0.25, 0.25])).toEqual([0.25, 0.25, 0.25, 0.25]);
});

test('when every positive weight is at its cap, the domains of weight 0 take the rest by their room', () => {
  expect(largestGap(within([0.5, 0.5, 0, 0], NONE, [0.2, 0.3, 0.3, 0.7]), [0.2, 0.3, 0.15, 0.35])).toBeLessThanOrEqual(
    BOUND,
  );
});

test('nearest in Kullback-Leibler divergence of all weights within the limits', () => {
  for (let seed = 0; seed < 20; ++seed) {
    const w = simplexPoint(seed, 4);
    const floor = [0.05, 0.1, 0, 0.2];
    const cap = [0.3, 0.5, 0.4, 0.6];
    const found = within(w, floor, cap);
    expect(Math.abs(sum(found) - 1)).toBeLessThanOrEqual(BOUND);
    found.forEach((x, i) => expect(x >= floor[i]! && x <= cap[i]!).toBe(true));
    for (let other = 0; other < 200; ++other) {
      const point = simplexPoint(1000 + other, 4);
      if (!point.every((x, i) => x >= floor[i]! && x <= cap[i]!)) continue;
      expect(divergence(found, w)).toBeLessThanOrEqual(divergence(point, w) + BOUND);
    }
  }
});

test('a rule keeps them at every step, the first included', () => {
  const rule = dga({ floor: { d: 0.2 }, cap: 0.4, stepSize: 5 });
  let state = rule.init(DOMAINS, { a: 0.7, b: 0.1, c: 0.1, d: 0.1 });
  for (let t = 0; t < 10; ++t) {
    const { a, b, c, d } = rule.weights(state) as Record<'a' | 'b' | 'c' | 'd', number>;
    expect(Math.max(a, b, c, d)).toBeLessThanOrEqual(0.4);
    expect(d).toBeGreaterThanOrEqual(0.2);
    state = rule.update(state, { alignment: { a: 1, b: 0, c: 0, d: -1 } });
  }
});

test('limits that no weights can keep', () => {
  const code = (floor: unknown, cap?: unknown) => thrownCode(() => limitsOf({ floor, cap } as object, DOMAINS));
  expect(code(0.3)).toBe('GRADSIFT_ARGUMENT');
  expect(code(undefined, 0.2)).toBe('GRADSIFT_ARGUMENT');
  expect(code({ a: 0.5 }, { a: 0.4 })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ a: -1 })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ a: NaN })).toBe('GRADSIFT_NON_FINITE');
  expect(code({ e: 0.1 })).toBe('GRADSIFT_ARGUMENT');
  expect(code(0.25, 0.25)).toBe('none');
});
