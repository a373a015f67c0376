// Every op in native code against the same op of tf's own kernels: values and gradients. The bounds of the native
// arithmetic itself are in test/linalg/training.test.ts.
import type { Tensor, Variable } from '@tensorflow/tfjs';
import { adamwStep } from '../../lib/tfjs/ops/adamw-step.js';
import { causalAttention } from '../../lib/tfjs/ops/causal-attention.js';
import { gelu } from '../../lib/tfjs/ops/gelu.js';
import { layerNorm } from '../../lib/tfjs/ops/layer-norm.js';
import { rmsNorm } from '../../lib/tfjs/ops/rms-norm.js';
import { softmaxCrossEntropy } from '../../lib/tfjs/ops/softmax-cross-entropy.js';
import { thrownCode, U32 } from '../linalg/matrices.js';
import { accelerated, BACKENDS, setBackend, tensor, tf } from './tensorflow.js';

const WIDTH = 9;
// Sums of at most 9 products in a handful of passes, each value below 64 (normal numbers below 4, three at a time); the
// polynomial of tf.erf errs by 1.5e-7 of an argument below 4.
const BOUND = 2 * 16 * WIDTH * 64 * U32 + 2 * 4 * 1.5e-7;

const labels = () => tf.tensor([0, 8, 3, 3], [2, 2], 'int32');

const OPS: readonly (readonly [string, readonly (readonly number[])[], (...inputs: Tensor[]) => Tensor])[] = [
  ['layerNorm', [[2, 3, WIDTH], [WIDTH], [WIDTH]], (x, gain, bias) => layerNorm(tf, x, gain, bias)],
  ['rmsNorm', [[2, 3, WIDTH], [WIDTH]], (x, gain) => rmsNorm(tf, x, gain)],
  ['gelu', [[3, WIDTH]], (x) => gelu(tf, x)],
  ['softmaxCrossEntropy', [[2, 2, WIDTH]], (x) => softmaxCrossEntropy(tf, x, labels())],
  [
    'causalAttention',
    [
      [2, 2, 5, WIDTH],
      [2, 2, 5, WIDTH],
      [2, 2, 5, WIDTH],
    ],
    (q, k, v) => causalAttention(tf, q, k, v),
  ],
  ['softmax', [[2, 3, WIDTH]], (x) => tf.softmax(x)],
  ['sum over the first dimension', [[4, WIDTH]], (x) => tf.sum(x, 0)],
  ['sum over the last', [[2, 3, WIDTH]], (x) => tf.sum(x, -1, true)],
  ['sum over the first and the last', [[2, 3, WIDTH]], (x) => tf.sum(x, [0, 2])],
  ['mean of all', [[2, WIDTH]], (x) => tf.mean(x)],
  ['a row added', [[2, 3, WIDTH], [WIDTH]], (x, y) => tf.add(x, y)],
  [
    'a column subtracted',
    [
      [3, 1],
      [3, WIDTH],
    ],
    (x, y) => tf.sub(x, y),
  ],
  [
    'an outer product',
    [
      [3, 1],
      [1, WIDTH],
    ],
    (x, y) => tf.mul(x, y),
  ],
  ['a number', [[], [2, WIDTH]], (x, y) => tf.mul(x, y)],
  [
    'a product that alternates',
    [
      [2, 1, 3, 1],
      [1, 4, 1, WIDTH],
    ],
    (x, y) => tf.mul(x, y),
  ],
  [
    'a quotient',
    [
      [2, 3],
      [2, 3],
    ],
    (x, y) => tf.div(x, tf.add(tf.square(y), 1)),
  ],
  ['heads apart', [[2, 3, 4, 5]], (x) => tf.transpose(x, [0, 2, 1, 3])],
  ['a matrix transposed', [[3, 5]], (x) => tf.transpose(x)],
  ['split in the middle', [[2, 7, 3]], (x) => tf.mul(...(tf.split(x, [3, 1, 3], 1).slice(1) as [Tensor, Tensor]))],
  [
    'concatenated',
    [
      [2, 2],
      [2, 3],
    ],
    (x, y) => tf.concat([x, y, x], 1),
  ],
  ['gathered along the middle', [[2, 4, 3]], (x) => tf.gather(x, tf.tensor1d([3, 0, 3], 'int32'), 1)],
  ['cloned and cast', [[2, 3]], (x) => tf.cast(tf.clone(x), 'float32')],
];

/** The value of an op and the gradients of a weighted sum of it. */
function results(shapes: readonly (readonly number[])[], op: (...inputs: Tensor[]) => Tensor): Float32Array[] {
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => tensor(i + 1, shape));
    const value = op(...inputs);
    const weights = tensor(9, value.shape);
    const gradients = tf.grads((...all: Tensor[]) => tf.sum(tf.mul(op(...all), weights)))(inputs);
    return [value, ...gradients].map((result) => result.dataSync<'float32'>());
  });
}

describe.each(BACKENDS)('%s', (backend) => {
  test.each(OPS)('%s: value and gradients', async (_, shapes, op) => {
    const ours = await accelerated(backend, () => results(shapes, op));
    await setBackend('cpu'); // wasm has no stock gradient of an embedding
    const stock = results(shapes, op);
    for (const [which, values] of ours.entries()) {
      const exact = stock[which] as Float32Array;
      expect(values.length).toBe(exact.length);
      for (const [i, value] of values.entries()) expect(Math.abs(value - (exact[i] as number))).toBeLessThan(BOUND);
    }
  });

  test('adamwStep: three steps, and a clone of the weights stays as it was', async () => {
    const train = () => {
      const [variable, firstMoment, secondMoment] = [
        tensor(1, [3, WIDTH]),
        tf.zeros([3, WIDTH]),
        tf.zeros([3, WIDTH]),
      ].map((value) => tf.variable(value)) as [Variable, Variable, Variable];
      const clone = tf.clone(variable);
      for (let step = 1; step <= 3; ++step) {
        const gradient = tensor(step + 1, [3, WIDTH]);
        adamwStep(tf, { variable, gradient, firstMoment, secondMoment, step, learningRate: 0.1, weightDecay: 0.1 });
      }
      expect(clone.dataSync()).toEqual(tensor(1, [3, WIDTH]).dataSync());
      return variable.dataSync<'float32'>();
    };
    const ours = await accelerated(backend, train);
    const stock = train();
    for (const [i, value] of ours.entries()) expect(Math.abs(value - (stock[i] as number))).toBeLessThan(BOUND);
  });

  test('tf.train.adam, by tf itself too once restored; its moments are where it saves them', async () => {
    const train = () => {
      const variable = tf.variable(tensor(1, [4, WIDTH]), true);
      const optimizer = tf.train.adam(0.1);
      for (let step = 0; step < 3; ++step) {
        optimizer.minimize(() => tf.sum(tf.square(tf.sub(variable, tensor(2, [4, WIDTH])))), false, [variable]);
      }
      expect(optimizer.iterations).toBe(3);
      return { values: variable.dataSync<'float32'>(), saved: optimizer.getWeights() };
    };
    const ours = await accelerated(backend, train);
    const stock = train();
    for (const [i, value] of ours.values.entries()) {
      expect(Math.abs(value - (stock.values[i] as number))).toBeLessThan(BOUND);
    }
    const shapes = (saved: { tensor: Tensor }[]) => saved.map((item) => item.tensor.shape);
    expect(shapes(await ours.saved)).toEqual(shapes(await stock.saved));
  });

  test.each([
    [
      'labels out of range',
      () => softmaxCrossEntropy(tf, tensor(1, [2, 3]), tf.tensor1d([0, 3], 'int32')),
      'GRADSIFT_ARGUMENT',
    ],
    [
      'a negative label',
      () => softmaxCrossEntropy(tf, tensor(1, [2, 3]), tf.tensor1d([0, -1], 'int32')),
      'GRADSIFT_ARGUMENT',
    ],
    ['labels in float32', () => softmaxCrossEntropy(tf, tensor(1, [2, 3]), tensor(1, [2])), 'GRADSIFT_DTYPE'],
    [
      'labels of another shape',
      () => softmaxCrossEntropy(tf, tensor(1, [2, 3]), tf.tensor1d([0], 'int32')),
      'GRADSIFT_SHAPE',
    ],
    [
      'a gain of another width',
      () => layerNorm(tf, tensor(1, [2, 3]), tensor(1, [2]), tensor(1, [3])),
      'GRADSIFT_SHAPE',
    ],
    ['an epsilon of 0', () => rmsNorm(tf, tensor(1, [2, 3]), tensor(1, [3]), 0), 'GRADSIFT_ARGUMENT'],
    ['integers', () => gelu(tf, tf.ones([2], 'int32')), 'GRADSIFT_DTYPE'],
    ['no tensor', () => gelu(tf, 1 as unknown as Tensor), 'GRADSIFT_ARGUMENT'],
    [
      'keys of another shape',
      () => causalAttention(tf, tensor(1, [2, 3]), tensor(1, [3, 3]), tensor(1, [2, 3])),
      'GRADSIFT_SHAPE',
    ],
  ])('%s: refused, accelerated or not', async (_, call, code) => {
    const found = () => tf.tidy(() => thrownCode(call));
    expect(await accelerated(backend, found)).toBe(code);
    expect(found()).toBe(code);
  });

  test('an index out of range is refused', async () => {
    const gather = () => tf.tidy(() => thrownCode(() => tf.gather(tensor(1, [2, 3]), tf.tensor1d([2], 'int32'))));
    expect(await accelerated(backend, gather)).toBe('GRADSIFT_ARGUMENT');
  });
});
