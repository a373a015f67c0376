import { odm, type OdmOptions } from '../../lib/reweighting/odm.js';
import { thrownCode } from '../linalg/matrices.js';
import { expectDigits, largestGap, sum, values } from './numbers.js';

const DOMAINS = ['0', '1', '2'];

/** Weights after each draw of (arm, loss). */
function play(options: OdmOptions, draws: readonly (readonly [number, number])[]) {
  const rule = odm(options);
  let state = rule.init(DOMAINS);
  return draws.map(([arm, loss]) => {
    state = rule.update(state, { loss: { [arm]: loss } });
    return values(rule.weights(state));
  });
}

const exploration = (k: number, t: number) => Math.min(1 / k, Math.sqrt(Math.log(k) / (k * t)));

test('golden run of Exp3 (reweighting.md 6.9): uniform until t > k ln k', () => {
  const found = play({}, [
    [0, 3],
    [1, 2],
    [0, 2.5],
    [2, 1.5],
  ]);
  for (const weights of found.slice(0, 3))
    expect(largestGap(weights, [1 / 3, 1 / 3, 1 / 3])).toBeLessThanOrEqual(2 ** -52);
  expectDigits(found[3]!, [0.341427762258, 0.329953782811, 0.328618454932], 12);
  expectDigits([exploration(3, 4)], [0.302573997653], 12);
});

test('every weight is at least the exploration rate, however the rewards fall', () => {
  const draws = Array.from({ length: 60 }, () => [0, 9] as const);
  play({ variant: 'smoothed' }, draws).forEach((weights, t) => {
    // (1 - k eps) share + eps, share >= 0.
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(exploration(3, t + 1));
  });
});

test('the smoothed mean of e^loss, exponential and linear', () => {
  const draws = [
    [0, 1],
    [1, 2],
    [0, 0.5],
    [2, 1],
    [1, 1],
  ] as const;
  const rewards = [0, 0, 0];
  for (const [arm, loss] of draws) rewards[arm] = 0.9 * rewards[arm]! + 0.1 * Math.exp(loss);
  const [eps, before] = [exploration(3, 5), exploration(3, 4)];
  const shares = { exponential: rewards.map((r) => Math.exp(r * before)), linear: rewards };
  for (const form of ['exponential', 'linear'] as const) {
    const expected = shares[form].map((s) => (1 - 3 * eps) * (s / sum(shares[form])) + eps);
    expect(largestGap(play({ variant: 'smoothed', form }, draws).at(-1)!, expected)).toBeLessThanOrEqual(64 * 2 ** -53);
  }
});

test('rewards gather while the weights rest', () => {
  const draws = [
    [0, 3],
    [1, 2],
    [0, 2.5],
    [2, 1.5],
    [0, 1],
  ] as const;
  const found = play({ warmUp: 4 }, draws);
  expect(found[3]).toEqual([1 / 3, 1 / 3, 1 / 3]);
  expect(found[4]![0]).toBeGreaterThan(found[4]![2]!);
});

test('mistakes', () => {
  const rule = odm();
  const state = rule.init(DOMAINS);
  expect(thrownCode(() => rule.update(state, { loss: { 0: -1 } }))).toBe('GRADSIFT_ARGUMENT');
  const none = rule.init(DOMAINS, { 0: 1, 1: 0, 2: 0 });
  expect(thrownCode(() => rule.update(none, { loss: { 1: 1 } }))).toBe('GRADSIFT_NON_FINITE');
  const smoothed = odm({ variant: 'smoothed' });
  expect(thrownCode(() => smoothed.update(smoothed.init(DOMAINS), { loss: { 1: 800 } }))).toBe('GRADSIFT_NON_FINITE');
  for (const options of [
    { variant: 'ucb' },
    { rewardScale: 0 },
    { decay: 1 },
    { form: 'x' },
    { warmUp: -1 },
    { period: 0 },
  ]) {
    expect(thrownCode(() => odm(options as OdmOptions))).toBe('GRADSIFT_ARGUMENT');
  }
});
