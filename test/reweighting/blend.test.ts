import { megatronBlend } from '../../lib/reweighting/blend.js';
import { normalise } from '../../lib/reweighting/domains.js';
import { thrownCode } from '../linalg/matrices.js';
import { named, values } from './numbers.js';

const order = (weights: number[], samples: number) => [...megatronBlend(named(weights), samples).order];

test('golden orders (reweighting.md 6.9; curriculum-grokking-corpus.md 4.6)', () => {
  expect(order([0.5, 0.3, 0.2], 10)).toEqual([0, 1, 2, 0, 1, 0, 2, 0, 1, 0]);
  const uneven = megatronBlend(named([0.7, 0.2, 0.1]), 20);
  expect([...uneven.order]).toEqual([0, 1, 0, 2, 0, 0, 1, 0, 0, 0, 0, 1, 0, 2, 0, 0, 1, 0, 0, 0]);
  expect(values(uneven.counts)).toEqual([14, 4, 2]);
  expect(order([0.5, 0.25, 0.25], 4)).toEqual([0, 1, 2, 0]);
  expect(order([0.3, 0.7], 10)).toEqual([1, 0, 1, 1, 0, 1, 1, 0, 1, 1]);
});

test('counts follow the weights, exactly where they can', () => {
  expect(values(megatronBlend(named([0.5, 0.3, 0.2]), 1000).counts)).toEqual([500, 300, 200]);
  for (const samples of [1000, 10_000, 100_000]) {
    expect(values(megatronBlend(named([0.99, 0.01]), samples).counts)).toEqual([samples * 0.99, samples * 0.01]);
  }
  let deviation = 0;
  const seen = [0, 0, 0];
  order([0.5, 0.3, 0.2], 1000).forEach((domain, n) => {
    seen[domain]! += 1;
    seen.forEach((count, i) => (deviation = Math.max(deviation, Math.abs(count - [0.5, 0.3, 0.2][i]! * (n + 1)))));
  });
  expect(deviation).toBeLessThanOrEqual(0.6 + 1000 * 2 ** -52);
});

test('a stretch goes on from the counts of the last', () => {
  const weights = normalise(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`d${i}`, 1 + (i % 7)])));
  const whole = megatronBlend(weights, 500);
  const first = megatronBlend(weights, 123);
  const counts = JSON.parse(JSON.stringify(first.counts)) as typeof first.counts;
  const second = megatronBlend(weights, 377, counts);
  expect([...first.order, ...second.order]).toEqual([...whole.order]);
  expect(second.counts).toEqual(whole.counts);
});

test('a domain of weight 0 is never drawn; one domain alone always', () => {
  expect(order([0, 1, 0], 5)).toEqual([1, 1, 1, 1, 1]);
  expect(order([1], 3)).toEqual([0, 0, 0]);
});

test('mistakes', () => {
  const code = (weights: number[], samples: number, counts?: number[]) =>
    thrownCode(() => megatronBlend(named(weights), samples, counts && named(counts)));
  expect(code([0.5, 0.4], 3)).toBe('GRADSIFT_ARGUMENT');
  expect(code([0.5, 0.5], -1)).toBe('GRADSIFT_ARGUMENT');
  expect(code([0.5, 0.5], 1, [0.5, 0])).toBe('GRADSIFT_ARGUMENT');
  expect(code([0.5, 0.5], 1, [1])).toBe('GRADSIFT_ARGUMENT');
});
