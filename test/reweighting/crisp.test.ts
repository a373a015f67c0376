import { mixBasis } from '../../lib/reweighting/basis.js';
import { clusterCounts, crisp, rollUp, type CrispOptions } from '../../lib/reweighting/crisp.js';
import { random, seeded } from '../../lib/random.js';
import { thrownCode } from '../linalg/matrices.js';
import { expectDigits, largestGap, simplexPoint, sum, values } from './numbers.js';

const TARGET = { a: 6, b: 3, c: 1, d: 0 };
const GENERIC = { a: 1000, b: 2000, c: 3000, d: 4000 };
const plan = (options: Partial<CrispOptions> = {}) => crisp({ target: TARGET, generic: GENERIC, ...options });
const ULPS = 8 * 2 ** -53;

test('golden counts (reweighting.md 6.6)', () => {
  const { weights, importance, effectiveShare, coverage, epochs, capped } = plan({ budget: 5000 });
  expect(largestGap(values(weights), [0.6, 0.3, 0.1, 0])).toBeLessThanOrEqual(ULPS);
  expect(largestGap(values(importance), [6, 1.5, 1 / 3, 0])).toBeLessThanOrEqual(8 * ULPS);
  expectDigits([effectiveShare], [0.244898], 6);
  expect(largestGap(values(epochs!), [3, 0.75, 1 / 6, 0])).toBeLessThanOrEqual(8 * ULPS);
  expect([coverage, capped]).toEqual([1, []]);
  // Importance weights have mean 1 under the generic shares.
  expect(Math.abs(sum(values(importance).map((w, c) => (w * values(GENERIC)[c]!) / 10_000)) - 1)).toBeLessThanOrEqual(
    ULPS,
  );
});

test('smoothing', () => {
  const additive = plan({ smoothing: { kind: 'additive', lambda: 0.5 } });
  expectDigits(values(additive.weights), [0.541667, 0.291667, 0.125, 0.041667], 6);
  const generic = plan({ smoothing: { kind: 'generic', lambda: 0.1 } });
  expect(largestGap(values(generic.weights), [0.55, 0.29, 0.12, 0.04])).toBeLessThanOrEqual(ULPS);
});

test('a cap on passes gives to the others in proportion', () => {
  const { weights, epochs, capped } = plan({ budget: 5000, maxEpochs: 2 });
  expect(largestGap(values(weights), [0.4, 0.45, 0.15, 0])).toBeLessThanOrEqual(ULPS);
  expect(largestGap(values(epochs!), [2, 1.125, 0.25, 0])).toBeLessThanOrEqual(8 * ULPS);
  expect(capped).toEqual(['a']);
  expect(thrownCode(() => plan({ budget: 50_000, maxEpochs: 2 }))).toBe('GRADSIFT_ARGUMENT');
});

describe('specialist windows in clusters without generic data', () => {
  // A tree of 2 x 3 leaves. Leaf 1 is empty: its relatives are 0 and 2. Leaves 3 to 5 are all empty: theirs are all.
  const generic = { 0: 10, 2: 30, 1: 0 };
  const target = { 0: 4, 1: 4, 5: 2 };

  test('are refused, dropped, or given to relatives', () => {
    expect(thrownCode(() => crisp({ target, generic }))).toBe('GRADSIFT_ARGUMENT');
    const dropped = crisp({ target, generic, uncovered: 'drop' });
    expect(dropped.weights).toEqual({ 0: 1, 2: 0 });
    expect(dropped.coverage).toBe(0.4);
    const given = crisp({ target, generic, uncovered: 'parent', branching: [2, 3] });
    // 4 + 1 + 0.5 and 0 + 3 + 1.5 of 10.
    expect(largestGap(values(given.weights), [0.55, 0.45])).toBeLessThanOrEqual(ULPS);
    expect(given.coverage).toBe(0.4);
  });

  test.each([
    ['a window beyond the tree', { target: { 0: 4, 9: 4 }, generic }],
    ['data beyond the tree', { target, generic: { ...generic, 17: 5 } }],
    ['a name that is no number', { target: { 0: 4, '': 4 }, generic }],
  ])('%s belongs to nobody', (_, counts) => {
    const options = { uncovered: 'parent', branching: [2, 3] } as const;
    expect(thrownCode(() => crisp({ ...counts, ...options }))).toBe('GRADSIFT_ARGUMENT');
  });
});

test('the effective share is that of weights drawn from the generic shares', () => {
  const [p, q] = [simplexPoint(1, 6), simplexPoint(2, 6)];
  const named = (x: readonly number[]) => Object.fromEntries(x.map((value, c) => [String(c), value]));
  const { effectiveShare, importance } = crisp({ target: named(p), generic: named(q) });
  const cursor = random(seeded(9));
  const draws = 40_000;
  let [first, second] = [0, 0];
  for (let t = 0; t < draws; ++t) {
    const u = cursor.uniform();
    let c = 0;
    for (let upTo = q[0]!; c < 5 && upTo <= u; upTo += q[++c]!);
    const w = values(importance)[c]!;
    first += w;
    second += w * w;
  }
  // (sum w)^2 / (n sum w^2), a ratio of means whose relative errors are a few times max(w) / sqrt(n).
  const bound = (6 * Math.max(...values(importance))) / Math.sqrt(draws);
  expect(Math.abs(first ** 2 / second / draws / effectiveShare - 1)).toBeLessThanOrEqual(bound);
});

test('counts, levels and several tasks', () => {
  const counts = clusterCounts(Uint32Array.of(7, 0, 7, 5, 0, 7));
  expect(counts).toEqual({ 0: 2, 5: 1, 7: 3 });
  expect(rollUp(counts, 4)).toEqual({ 0: 2, 1: 4 });
  expect(rollUp(rollUp(counts, 2), 2)).toEqual(rollUp(counts, 4));
  const tasks = {
    law: crisp({ target: { 0: 1 }, generic: counts }).weights,
    code: crisp({ target: { 7: 1 }, generic: counts }).weights,
  };
  expect(mixBasis(tasks, { law: 0.25, code: 0.75 })).toEqual({ 0: 0.25, 5: 0, 7: 0.75 });
});

test('mistakes', () => {
  const code = (options: object) => thrownCode(() => plan(options));
  expect(code({ target: {} })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ target: { a: 0 } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ target: { a: -1 } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ target: { a: NaN } })).toBe('GRADSIFT_NON_FINITE');
  expect(code({ generic: {} })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ generic: { a: 0 } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ smoothing: { kind: 'kneser', lambda: 1 } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ smoothing: { kind: 'generic', lambda: 1.1 } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ uncovered: 'ignore' })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ uncovered: 'parent' })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ maxEpochs: 2 })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ budget: 0 })).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => rollUp({ x: 1 }, 2))).toBe('GRADSIFT_ARGUMENT');
});
