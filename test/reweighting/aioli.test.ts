import { aioli, aioliMixtures, type AioliOptions, type AioliSweep } from '../../lib/reweighting/aioli.js';
import { thrownCode } from '../linalg/matrices.js';
import { largestGap, named, sum, values } from './numbers.js';

const DOMAINS = ['a', 'b', 'c'];
const A = [
  [0.5, 0.1, 0],
  [0.2, 0.4, 0.1],
  [0, 0.3, 0.6],
];

/** Decreases that are exactly A p. */
const sweepsOf = (a: readonly (readonly number[])[], mixtures = aioliMixtures(DOMAINS, 0.625)): AioliSweep[] =>
  mixtures.map((mixture) => ({
    mixture,
    decrease: named(a.map((row) => sum(row.map((x, j) => x * values(mixture)[j]!)))),
  }));

const logRatios = (weights: readonly number[]) => weights.map((w) => Math.log(w / weights[0]!));
// The sweeps' matrix has eigenvalues 1 and 0.4375: condition below 3, a few dozen roundings.
const BOUND = 256 * 2 ** -53;

test('when the loss falls exactly by A p, the scores are the column sums of A over its sum', () => {
  const rule = aioli({ stepSize: 0.2 });
  const next = rule.update(rule.init(DOMAINS), { sweeps: sweepsOf(A) });
  const columns = [0.7, 0.8, 0.7].map((x) => x / 2.2);
  expect(largestGap([...next.scores], columns)).toBeLessThanOrEqual(BOUND);
  expect(
    largestGap(
      logRatios(next.weights),
      columns.map((c) => 0.2 * (c - columns[0]!)),
    ),
  ).toBeLessThanOrEqual(BOUND);
});

test('several rounds are one least-squares problem', () => {
  const rule = aioli();
  const sweeps = [...sweepsOf(A), ...sweepsOf(A, aioliMixtures(DOMAINS, 0.9))];
  const [once, twice] = [sweepsOf(A), sweeps].map((s) => rule.update(rule.init(DOMAINS), { sweeps: s }).scores);
  expect(largestGap([...twice!], [...once!])).toBeLessThanOrEqual(BOUND);
});

test('negative entries shift the whole matrix', () => {
  const shifted = A.map((row) => row.map((x) => x - 0.2));
  const positive = A; // min is -0.2 after the shift, 0 before it
  const rule = aioli();
  const scores = [shifted, positive].map((a) => rule.update(rule.init(DOMAINS), { sweeps: sweepsOf(a) }).scores);
  expect(largestGap([...scores[0]!], [...scores[1]!])).toBeLessThanOrEqual(BOUND);
});

test('an average of scores starts from the first weights each time', () => {
  const rule = aioli({ ema: 0.1, stepSize: 1 });
  const start = named([0.2, 0.3, 0.5]);
  const first = rule.update(rule.init(DOMAINS, start), { sweeps: sweepsOf(A) });
  const swapped = [A[1]!, A[0]!, A[2]!].map((row) => [row[1]!, row[0]!, row[2]!]);
  const second = rule.update(first, { sweeps: sweepsOf(swapped) });
  const scores = [0.7, 0.8, 0.7].map((x, i) => (0.9 * x + 0.1 * [0.8, 0.7, 0.7][i]!) / 2.2);
  const powers = scores.map((s, i) => values(start)[i]! * Math.exp(s));
  expect(
    largestGap(
      [...second.weights],
      powers.map((x) => x / sum(powers)),
    ),
  ).toBeLessThanOrEqual(BOUND);
});

test('the mixtures of a round', () => {
  expect(aioliMixtures(DOMAINS, 0.5)).toEqual([
    named([0.5, 0.25, 0.25]),
    named([0.25, 0.5, 0.25]),
    named([0.25, 0.25, 0.5]),
  ]);
  for (const bad of [1 / 3, 0, 1.1, NaN])
    expect(thrownCode(() => aioliMixtures(DOMAINS, bad))).toBe('GRADSIFT_ARGUMENT');
});

test('mistakes', () => {
  const rule = aioli();
  const code = (sweeps: unknown) =>
    thrownCode(() => rule.update(rule.init(DOMAINS), { sweeps: sweeps as AioliSweep[] }));
  const good = sweepsOf(A);
  expect(code(undefined)).toBe('GRADSIFT_ARGUMENT');
  expect(code([])).toBe('GRADSIFT_ARGUMENT');
  expect(code(good.slice(1))).toBe('GRADSIFT_ARGUMENT');
  expect(code([good[0], good[1], good[1]])).toBe('GRADSIFT_ARGUMENT');
  expect(code([good[0], good[1], { ...good[2], mixture: named([0.5, 0.1, 0.1]) }])).toBe('GRADSIFT_ARGUMENT');
  expect(code([good[0], good[1], { ...good[2], decrease: named([1, NaN, 1]) }])).toBe('GRADSIFT_NON_FINITE');
  expect(code([good[0], good[1], { ...good[2], decrease: named([1, 1]) }])).toBe('GRADSIFT_ARGUMENT');
  for (const options of [{ stepSize: 0 }, { period: 0 }, { ema: 0 }]) {
    expect(thrownCode(() => aioli(options as AioliOptions))).toBe('GRADSIFT_ARGUMENT');
  }
});
