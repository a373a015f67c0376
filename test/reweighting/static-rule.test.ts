import { apportion } from '../../lib/reweighting/apportion.js';
import { normalise } from '../../lib/reweighting/domains.js';
import { proportional } from '../../lib/reweighting/proportional.js';
import { temperature } from '../../lib/reweighting/temperature.js';
import { uniform } from '../../lib/reweighting/uniform.js';
import { thrownCode } from '../linalg/matrices.js';
import { largestGap, named, values } from './numbers.js';

const DOMAINS = ['a', 'b', 'c'];
const sizes = named([8, 2, 0]);

test('uniform, in proportion to size, and between', () => {
  expect(values(uniform().weights(uniform().init(DOMAINS)))).toEqual([1 / 3, 1 / 3, 1 / 3]);
  const by = (t: number) => values(temperature({ sizes, temperature: t }).init(DOMAINS).weights as never);
  expect(values(proportional({ sizes }).init(DOMAINS).weights as never)).toEqual([0.8, 0.2, 0]);
  expect(by(1)).toEqual([0.8, 0.2, 0]);
  expect(largestGap(by(2), [2 / 3, 1 / 3, 0])).toBeLessThanOrEqual(4 * 2 ** -53);
  expect(largestGap(by(1e9), [0.5, 0.5, 0])).toBeLessThanOrEqual(1e-9);
});

test('sizes of any magnitude', () => {
  expect(values(normalise(named([1e308, 1e308])))).toEqual([0.5, 0.5]);
  expect(values(normalise(named([5e-324, 0])))).toEqual([1, 0]);
});

test('mistakes', () => {
  const code = (bad: unknown, t = 1) =>
    thrownCode(() => temperature({ sizes: bad as typeof sizes, temperature: t }).init(DOMAINS));
  expect(code(named([0, 0, 0]))).toBe('GRADSIFT_ARGUMENT');
  expect(code(named([1, -1, 1]))).toBe('GRADSIFT_ARGUMENT');
  expect(code(named([1, NaN, 1]))).toBe('GRADSIFT_NON_FINITE');
  expect(code(named([1, 1]))).toBe('GRADSIFT_ARGUMENT');
  expect(code(sizes, 0)).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => normalise({}))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => normalise({ a: -1 }))).toBe('GRADSIFT_ARGUMENT');
});

describe('apportionment', () => {
  test('golden counts (reweighting.md 6.9)', () => {
    expect(values(apportion(named([0.1, 0.3, 0.6]), 11))).toEqual([1, 3, 7]);
    const sevenths = Object.fromEntries(['p', 'q', 'r', 's', 't', 'u', 'v'].map((name) => [name, 1 / 7]));
    expect(values(apportion(sevenths, 100))).toEqual([15, 15, 14, 14, 14, 14, 14]);
  });

  test('counts sum to the total, each within 1 of its share', () => {
    for (const total of [0, 1, 7, 1000, 2 ** 40 + 1]) {
      const weights = normalise(named([0.31, 0.17, 0.23, 0.29, 0.0001, 1e-9]));
      const counts = values(apportion(weights, total));
      expect(counts.reduce((part, count) => part + count, 0)).toBe(total);
      values(weights).forEach((w, i) => expect(Math.abs(counts[i]! - w * total)).toBeLessThan(1));
    }
  });

  test('mistakes', () => {
    expect(thrownCode(() => apportion(named([0.5, 0.4]), 10))).toBe('GRADSIFT_ARGUMENT');
    expect(thrownCode(() => apportion(named([1]), 1.5))).toBe('GRADSIFT_ARGUMENT');
    expect(thrownCode(() => apportion({}, 1))).toBe('GRADSIFT_ARGUMENT');
  });
});
