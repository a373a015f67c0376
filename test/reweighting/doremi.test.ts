import { doremi, excessLoss, type DoremiOptions } from '../../lib/reweighting/doremi.js';
import { thrownCode } from '../linalg/matrices.js';
import { expectDigits, largestGap, named, values } from './numbers.js';

const DOMAINS = ['a', 'b', 'c'];
const START = named([0.5, 0.3, 0.2]);

test('golden step (reweighting.md 6.9)', () => {
  const rule = doremi({ smoothing: 1e-3 });
  const next = rule.update(rule.init(DOMAINS, START), { excessLoss: named([0.4, 0, 0.1]) });
  expectDigits(values(rule.weights(next)), [0.588492673443, 0.236886330897, 0.17462099566], 12);
});

test('two domains, a constant difference of excess: the fixed point with its smoothing floor', () => {
  const [eta, s, eps] = [1, 0.3, 0.01];
  const rule = doremi({ stepSize: eta, smoothing: eps });
  let state = rule.init(['a', 'b']);
  for (let t = 0; t < 2000; ++t) state = rule.update(state, { excessLoss: { a: s, b: 0 } });
  const x = state.weights[0]!;
  const q = Math.exp(eta * s);
  const residual = (q - 1) * x ** 2 + (1 - (1 - eps) * q - (eps / 2) * (q - 1)) * x - eps / 2;
  expect(Math.abs(residual)).toBeLessThanOrEqual(64 * 2 ** -53);
  expectDigits([x], [0.980985533], 9);
});

test('no excess anywhere: weights go to uniform at the rate of the smoothing', () => {
  const rule = doremi({ smoothing: 0.01 });
  let state = rule.init(DOMAINS, START);
  for (let t = 0; t < 50; ++t) state = rule.update(state, { excessLoss: named([0, 0, 0]) });
  const expected = values(START).map((x) => 1 / 3 + 0.99 ** 50 * (x - 1 / 3));
  expect(largestGap(values(rule.weights(state)), expected)).toBeLessThanOrEqual(50 * 16 * 2 ** -53);
});

test('learned is the mean of all steps', () => {
  const rule = doremi();
  let state = rule.init(DOMAINS);
  const seen: number[][] = [];
  for (const e of [0.2, 0.7]) {
    state = rule.update(state, { excessLoss: named([e, 0, 0.1]) });
    seen.push(values(rule.weights(state)));
  }
  expect(values(rule.learned(state))).toEqual(seen[0]!.map((x, i) => (x + seen[1]![i]!) / 2));
});

test('a domain that the batch lacks keeps its excess, at first initialExcess', () => {
  const step = (options: DoremiOptions, evidence: Record<string, number>[]) => {
    const rule = doremi({ smoothing: 0, ...options });
    let state = rule.init(DOMAINS);
    for (const e of evidence) state = rule.update(state, { excessLoss: e });
    return values(rule.weights(state)).map((w, _, all) => Math.log(w / all[1]!));
  };
  const bound = 64 * 2 ** -53;
  const later = [
    { a: 1, b: 0, c: 2 },
    { b: 0, c: 2 },
  ];
  expect(largestGap(step({}, later), [2, 0, 4])).toBeLessThanOrEqual(bound);
  expect(largestGap(step({ absent: 'zero' }, later), [1, 0, 4])).toBeLessThanOrEqual(bound);
  expect(largestGap(step({ initialExcess: 3 }, [{ b: 0 }]), [3, 0, 3])).toBeLessThanOrEqual(bound);
});

test('excess loss clamps each token', () => {
  expect(excessLoss([3, 1, 2], [2, 2, 2])).toBe(1 / 3);
  expect(thrownCode(() => excessLoss([], []))).toBe('GRADSIFT_SHAPE');
  expect(thrownCode(() => excessLoss([1], [1, 2]))).toBe('GRADSIFT_SHAPE');
  expect(thrownCode(() => excessLoss([NaN], [1]))).toBe('GRADSIFT_NON_FINITE');
});

test('mistakes', () => {
  const rule = doremi();
  const state = rule.init(DOMAINS);
  expect(thrownCode(() => rule.update(state, { excessLoss: named([-0.1, 0, 0]) }))).toBe('GRADSIFT_ARGUMENT');
  for (const options of [{ stepSize: 0 }, { smoothing: 1 }, { absent: 'no' }, { initialExcess: -1 }]) {
    expect(thrownCode(() => doremi(options as DoremiOptions))).toBe('GRADSIFT_ARGUMENT');
  }
});
