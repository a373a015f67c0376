import type { Tensor, Variable } from '@tensorflow/tfjs';
import { adamw, type AdamwOptions } from '../../lib/tfjs/adamw.js';
import { gpt } from '../../lib/tfjs/gpt.js';
import { clipByGlobalNorm, trainStep } from '../../lib/tfjs/train-step.js';
import { normals, thrownCode, U32 } from '../linalg/matrices.js';
import { setBackend, tensor, tf } from './tensorflow.js';

beforeAll(() => setBackend('cpu'));

/** AdamW of Loshchilov and Hutter, algorithm 2, in float64. */
function exact(
  start: readonly number[],
  gradients: readonly (readonly number[])[],
  rates: readonly number[],
  decay: number,
) {
  const [p, m, v] = [[...start], start.map(() => 0), start.map(() => 0)];
  gradients.forEach((gradient, index) => {
    gradient.forEach((g, i) => {
      m[i] = 0.9 * (m[i] as number) + 0.1 * g;
      v[i] = 0.999 * (v[i] as number) + 0.001 * g * g;
      const first = m[i] / (1 - 0.9 ** (index + 1));
      const second = v[i] / (1 - 0.999 ** (index + 1));
      p[i]! -= (rates[index] as number) * (first / (Math.sqrt(second) + 1e-8) + decay * (p[i] as number));
    });
  });
  return p;
}

test('steps with a learning rate each, decoupled decay of matrices alone, moments that go on from a checkpoint', () => {
  const start = Array.from(normals(1, 6), Math.fround);
  const steps = [2, 3, 4, 5].map((seed) => Array.from(normals(seed, 6), Math.fround));
  const rates = [0.1, 0.05, 0.2, 0.01];
  const make = () => ({
    matrix: tf.variable(tf.tensor2d(start, [2, 3])),
    vector: tf.variable(tf.tensor1d(start)),
    frozen: tf.variable(tf.tensor1d(start), false),
  });
  const weights = make();
  const options = { learningRate: 0.1, weightDecay: 0.3 };
  let optimizer = adamw(tf, weights, options);
  steps.forEach((gradient, index) => {
    if (index === 2) {
      const next = adamw(tf, weights, options);
      next.stepsDone = optimizer.stepsDone;
      for (const [name, moment] of Object.entries(next.moments)) moment.assign(optimizer.moments[name] as Variable);
      optimizer.dispose();
      optimizer = next;
    }
    const gradients = { matrix: tf.tensor2d(gradient, [2, 3]), vector: tf.tensor1d(gradient) };
    optimizer.step(gradients, index === 0 ? {} : { learningRate: rates[index] });
  });
  expect(optimizer.stepsDone).toBe(4);
  expect(weights.frozen.arraySync()).toEqual(start);
  for (const [name, decay] of [['matrix', 0.3] as const, ['vector', 0] as const]) {
    const expected = exact(start, steps, rates, decay);
    // A step has about 12 roundings, of numbers not larger than the step and the weight.
    const bound = (i: number) => 4 * 12 * U32 * (Math.abs(start[i] as number) + 2);
    weights[name].dataSync().forEach((value: number, i: number) => {
      expect(Math.abs(value - (expected[i] as number))).toBeLessThanOrEqual(bound(i));
    });
  }
});

test('which weights decay may be chosen', () => {
  const weights = { a: tf.variable(tf.ones([2, 2])), b: tf.variable(tf.ones([2, 2])) };
  const optimizer = adamw(tf, weights, { learningRate: 0.5, weightDecay: 0.5, decays: (name) => name === 'a' });
  optimizer.step({ a: tf.zeros([2, 2]), b: tf.zeros([2, 2]) });
  expect([...weights.a.dataSync(), ...weights.b.dataSync()]).toEqual([0.75, 0.75, 0.75, 0.75, 1, 1, 1, 1]);
});

test('gradients are clipped together, and only when they are too long', () => {
  const gradients = { a: tf.tensor1d([3, 0]), b: tf.tensor2d([[4]]) };
  const { gradients: clipped, norm } = clipByGlobalNorm(tf, gradients, 2.5);
  expect(norm).toBe(5);
  expect([...(clipped['a'] as Tensor).dataSync(), ...(clipped['b'] as Tensor).dataSync()]).toEqual([1.5, 0, 2]);
  const same = clipByGlobalNorm(tf, gradients, 6);
  expect([...(same.gradients['a'] as Tensor).dataSync()]).toEqual([3, 0]);
  expect(clipByGlobalNorm(tf, { a: tf.tensor1d([NaN]) }, 1).norm).toBeNaN();
});

test('the norm of a large gradient: many small squares beside a large one', async () => {
  await setBackend('wasm');
  const [rows, width] = [512, 256];
  const values = new Float32Array(rows * width).fill(2 ** -12.5);
  values[0] = 1;
  const gradient = tf.tensor2d(values, [rows, width]);
  const { norm } = clipByGlobalNorm(tf, { gradient }, 1);
  const expected = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  // The roundings of a sum over a row.
  expect(Math.abs(norm - expected)).toBeLessThanOrEqual(width * U32 * expected);
  await setBackend('cpu');
});

test('a small gpt learns a cycle of tokens, and memory stays flat', () => {
  const model = gpt(tf, { vocab: 5, context: 8, layers: 1, heads: 2, width: 8 });
  const optimizer = adamw(tf, model.weights, { learningRate: 0.03 });
  const rows = (shift: number) =>
    Array.from({ length: 4 }, (_, i) => Array.from({ length: 8 }, (_, t) => (i + t + shift) % 5));
  const batch = { inputs: tf.tensor2d(rows(0), [4, 8], 'int32'), targets: tf.tensor2d(rows(1), [4, 8], 'int32') };
  const first = trainStep(model, optimizer, batch, { clipNorm: 1 });
  // At the start every token is as likely as any other, but for weights of 0.02.
  expect(Math.abs(first.loss - Math.log(5))).toBeLessThan(0.05);
  expect(first.gradientNorm).toBeGreaterThan(0);
  const { numTensors, numBytes } = tf.memory();
  let last = first;
  for (let step = 1; step < 40; ++step) last = trainStep(model, optimizer, batch, { clipNorm: 1, learningRate: 0.03 });
  expect(last.loss).toBeLessThan(0.1);
  expect(tf.memory()).toMatchObject({ numTensors, numBytes });
  optimizer.dispose();
  model.dispose();
});

test('a training step refuses a batch without samples, whose mean loss would be no number', () => {
  const model = gpt(tf, { vocab: 3, context: 2, layers: 1, heads: 1, width: 2 });
  const optimizer = adamw(tf, model.weights, { learningRate: 1 });
  const none = tf.zeros([0, 2], 'int32');
  expect(thrownCode(() => trainStep(model, optimizer, { inputs: none, targets: none }))).toBe('GRADSIFT_SHAPE');
  expect(optimizer.stepsDone).toBe(0);
});

test.each<[string, Partial<AdamwOptions>]>([
  ['no learning rate', { learningRate: undefined as unknown as number }],
  ['a negative decay', { weightDecay: -1 }],
  ['a beta of 1', { beta1: 1 }],
  ['an epsilon of 0', { epsilon: 0 }],
])('adamw refuses %s', (_what, wrong) => {
  expect(thrownCode(() => adamw(tf, {}, { learningRate: 1, ...wrong }))).toBe('GRADSIFT_ARGUMENT');
});

test('a step refuses gradients that are missing or of another shape, a clip a norm of zero', () => {
  const optimizer = adamw(tf, { a: tf.variable(tensor(1, [2])) }, { learningRate: 1 });
  expect(thrownCode(() => optimizer.step({}))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => (optimizer.stepsDone = 0.5))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => optimizer.step({ a: tf.ones([2]) }, { learningRate: NaN }))).toBe('GRADSIFT_ARGUMENT');
  expect(optimizer.stepsDone).toBe(0);
  expect(thrownCode(() => optimizer.step({ a: tf.ones([3]) }))).toBe('GRADSIFT_SHAPE');
  expect(thrownCode(() => clipByGlobalNorm(tf, {}, 0))).toBe('GRADSIFT_ARGUMENT');
});
