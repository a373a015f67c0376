import { grape, type GrapeEvidence, type GrapeOptions } from '../../lib/reweighting/grape.js';
import { thrownCode } from '../linalg/matrices.js';
import { largestGap, named, sum, values } from './numbers.js';

const DOMAINS = ['a', 'b', 'c'];
const tasks = ['law', 'medicine'];
const task = (x: readonly number[]) => named(x, tasks);
const EVIDENCE: GrapeEvidence = {
  alignment: { a: task([0.1, 0.3]), b: task([-0.2, 0.1]), c: task([0.4, 0]) },
  taskProgress: task([0.05, -0.02]),
};
const BOUND = 64 * 2 ** -53;
const normalised = (x: readonly number[]) => x.map((value) => value / sum(x));

test('one step: the slowest task decides', () => {
  const rule = grape({ tasks, stepSize: 1.5, taskStepSize: 10, taskSmoothing: 0.001 });
  const next = rule.update(rule.init(DOMAINS), EVIDENCE);
  const z = normalised([Math.exp(-0.5), Math.exp(0.2)]).map((x) => 0.999 * x + 0.0005);
  expect(largestGap(values(rule.taskWeights(next)), z)).toBeLessThanOrEqual(BOUND);
  const powers = DOMAINS.map((name) => {
    const row = values(EVIDENCE.alignment[name]!);
    return Math.exp(1.5 * (z[0]! * row[0]! + z[1]! * row[1]!));
  });
  expect(largestGap(values(rule.weights(next)), normalised(powers))).toBeLessThanOrEqual(BOUND);
});

test('two quadratic tasks with no common optimum: the worse one is pulled down to the other', () => {
  // Tasks at 0 and 1 on a line, domains there too: l_n = (theta - n)^2 / 2 + 1, so that logarithms are defined.
  const rule = grape({ tasks, stepSize: 0.05, taskStepSize: 0.5, taskSmoothing: 0 });
  let state = rule.init(['a', 'b'], { a: 0.9, b: 0.1 });
  const losses = (theta: number) => [theta ** 2 / 2 + 1, (theta - 1) ** 2 / 2 + 1] as const;
  for (let t = 0; t < 20_000; ++t) {
    const theta = state.weights[1]!; // the minimum of the mixture
    const logs = [theta / losses(theta)[0], (theta - 1) / losses(theta)[1]];
    const gradients = { a: theta, b: theta - 1 };
    state = rule.update(state, {
      alignment: {
        a: task(logs.map((g) => g * gradients.a)),
        b: task(logs.map((g) => g * gradients.b)),
      },
      taskProgress: task([0, 0]),
    });
  }
  expect(largestGap([...state.weights], [0.5, 0.5])).toBeLessThanOrEqual(1e-9);
});

test('mistakes', () => {
  const rule = grape({ tasks });
  const state = rule.init(DOMAINS);
  const code = (evidence: unknown) => thrownCode(() => rule.update(state, evidence as GrapeEvidence));
  expect(code({ ...EVIDENCE, taskProgress: { law: 1 } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ ...EVIDENCE, taskProgress: { law: 1, physics: 1 } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ ...EVIDENCE, taskProgress: task([NaN, 0]) })).toBe('GRADSIFT_NON_FINITE');
  expect(code({ ...EVIDENCE, alignment: { a: { law: 1 } } })).toBe('GRADSIFT_ARGUMENT');
  const bad = { ...state, taskWeights: [0.5] };
  expect(thrownCode(() => rule.update(bad, EVIDENCE))).toBe('GRADSIFT_ARGUMENT');
  for (const options of [
    {},
    { tasks: [] },
    { tasks: ['x', 'x'] },
    { tasks, taskStepSize: 0 },
    { tasks, taskSmoothing: 1 },
  ]) {
    expect(thrownCode(() => grape(options as GrapeOptions))).toBe('GRADSIFT_ARGUMENT');
  }
});
