import { leastSquares } from '../../lib/reweighting/least-squares.js';
import { predictLoss } from '../../lib/reweighting/mixture-law.js';
import { regmix, type RegmixOptions } from '../../lib/reweighting/regmix.js';
import { thrownCode } from '../linalg/matrices.js';
import { gaussians, largestGap, named, sum, values } from './numbers.js';

const DOMAINS = ['a', 'b', 'c', 'd'];
const PRIOR = named([0.4, 0.3, 0.2, 0.1]);

/** The rule after `runs` mixtures whose loss is a function of their weights. */
function trained(options: Partial<RegmixOptions>, runs: number, loss: (w: readonly number[]) => number) {
  const rule = regmix({ seed: 1, candidates: 2000, best: 20, ...options });
  let state = rule.init(DOMAINS, PRIOR);
  for (let n = 0; n < runs; ++n) state = rule.update(state, { loss: loss(values(rule.weights(state))) });
  return { rule, state };
}

describe('mixtures', () => {
  const rule = regmix({ seed: 5, units: 1000 });
  const state = rule.init(DOMAINS, PRIOR);
  const mixtures = Array.from({ length: 400 }, (_, n) => values(rule.mixture(state, n)));

  test('multiples of 1 / units that sum to 1, within their caps up to rounding', () => {
    for (const weights of mixtures) {
      const units = weights.map((w) => w * 1000);
      expect(largestGap(units, units.map(Math.round))).toBeLessThanOrEqual(1000 * 2 ** -52);
      expect(sum(units.map(Math.round))).toBe(1000);
    }
    const capped = regmix({ seed: 5, maxRatio: 1.5 });
    const first = capped.init(DOMAINS, PRIOR);
    for (let n = 0; n < 100; ++n) {
      // Weights below a unit are dropped and the others scaled up: by at most 4 units of 5000, then rounded by one.
      values(capped.mixture(first, n)).forEach((w, i) => {
        expect(w).toBeLessThanOrEqual(1.5 * values(PRIOR)[i]! * (1 + 4 / 4996) + 1 / 5000);
      });
    }
  });

  test('number n depends on the seed and n alone; weights are number `step`', () => {
    expect(values(rule.weights(state))).toEqual(mixtures[0]);
    let later = rule.update(state, { loss: 1 });
    later = rule.update(later, { loss: 2, mixture: named(mixtures[7]!) });
    expect(values(rule.weights(later))).toEqual(mixtures[2]);
    expect(later.runs[1]!.weights).toEqual(mixtures[7]);
    // Low strengths end at a vertex now and then.
    expect(new Set(mixtures.map(String)).size).toBeGreaterThan(300);
  });

  test('their mean is the normalised power of the prior', () => {
    const shape = values(PRIOR).map(Math.sqrt);
    const expected = shape.map((x) => x / sum(shape));
    const mean = expected.map((_, i) => sum(mixtures.map((w) => w[i]!)) / mixtures.length);
    // Of 400 weights in [0, 1], standard deviation at most 1/2 each, six times over; caps bite d (1.5 > 1: none here).
    expect(largestGap(mean, expected)).toBeLessThanOrEqual((6 * 0.5) / Math.sqrt(400));
  });

  test('a domain with no prior gets no weight', () => {
    const alone = rule.init(DOMAINS, named([0.5, 0.5, 0, 0]));
    for (let n = 0; n < 50; ++n) expect(values(rule.mixture(alone, n)).slice(2)).toEqual([0, 0]);
  });
});

describe('laws', () => {
  const b = [3, 2.5, 2.8, 3.4];

  test('a linear law is recovered, and the best mixture is nearly the vertex of its least coefficient', () => {
    const linear = (w: readonly number[]) => sum(w.map((x, i) => x * b[i]!));
    const { rule, state } = trained({ degree: 'linear' }, 12, linear);
    const law = rule.law(state)!;
    // Mixtures of a dozen runs: condition below 100.
    expect(largestGap([...law.coefficients], b)).toBeLessThanOrEqual(100 * 64 * 2 ** -53);
    expect(law.residual).toBeLessThanOrEqual(100 * 64 * 2 ** -53);
    const learned = values(rule.learned(state));
    expect(learned.indexOf(Math.max(...learned))).toBe(1);
    expect(learned[1]).toBeGreaterThan(0.95);
  });

  test('a quadratic law with its optimum inside is found', () => {
    const best = [0.1, 0.5, 0.25, 0.15];
    const bowl = (w: readonly number[]) => 2 + sum(w.map((x, i) => (x - best[i]!) ** 2));
    const { rule, state } = trained({}, 40, bowl);
    const law = rule.law(state)!;
    const point = [0.7, 0.1, 0.1, 0.1];
    expect(Math.abs(predictLoss(law, point) - bowl(point))).toBeLessThanOrEqual(1e-9);
    // The 20 best of 2000 points in three dimensions lie within about (20 / 2000)^(1/3) = 0.2; their mean, nearer.
    expect(largestGap(values(rule.learned(state)), best)).toBeLessThanOrEqual(0.05);
  });

  test('the prior, until the runs determine a law', () => {
    const { rule, state } = trained({}, 9, (w) => w[0]!);
    expect(rule.law(state)).toBeNull();
    expect(rule.learned(state)).toEqual(PRIOR);
    const { rule: ridged, state: same } = trained({ ridge: 1e-3 }, 2, (w) => w[0]!);
    expect(ridged.law(same)).not.toBeNull();
  });
});

describe('least squares', () => {
  test('the normal equations hold, with and without ridge', () => {
    const a = Array.from({ length: 9 }, (_, i) => gaussians(70 + i, 4));
    const right = gaussians(90, 9);
    for (const ridge of [0, 0.3]) {
      const x = leastSquares(a, right, ridge)!;
      const rest = a.map((row, i) => sum(row.map((value, j) => value * x[j]!)) - right[i]!);
      const gradient = x.map((value, j) => sum(a.map((row, i) => row[j]! * rest[i]!)) + ridge * value);
      // |A| < 10, |rest| < 10: nine products each.
      expect(Math.max(...gradient.map(Math.abs))).toBeLessThanOrEqual(9 * 100 * 2 ** -52);
    }
  });

  test('dependent columns and too few rows have no answer', () => {
    expect(
      leastSquares(
        [
          [1, 2],
          [2, 4],
          [3, 6],
        ],
        [1, 2, 3],
      ),
    ).toBeNull();
    expect(
      leastSquares(
        [
          [1, 0],
          [0, 0],
        ],
        [1, 1],
      ),
    ).toBeNull();
    expect(leastSquares([[1, 2]], [1])).toBeNull();
    expect(leastSquares([[1, 2]], [1], 1e-3)).not.toBeNull();
  });
});

test('mistakes', () => {
  const rule = regmix({ seed: 1 });
  const state = rule.init(DOMAINS);
  const code = (evidence: unknown) => thrownCode(() => rule.update(state, evidence as { loss: number }));
  expect(code({ loss: NaN })).toBe('GRADSIFT_NON_FINITE');
  expect(code({ loss: '3' })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ loss: 1, mixture: named([1, 1, 0, 0]) })).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => rule.mixture(state, -1))).toBe('GRADSIFT_ARGUMENT');
  for (const options of [
    {},
    { seed: -1 },
    { seed: 1, strength: [0, 1] },
    { seed: 1, strength: [2, 1] },
    { seed: 1, maxRatio: 0.5 },
    { seed: 1, units: 0 },
    { seed: 1, degree: 'cubic' },
    { seed: 1, ridge: -1 },
    { seed: 1, candidates: 10, best: 11 },
  ]) {
    expect(thrownCode(() => regmix(options as RegmixOptions))).toBe('GRADSIFT_ARGUMENT');
  }
});
