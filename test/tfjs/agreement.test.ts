// The first step of a network in native code and by TensorFlow.js as it comes: losses and gradients apart by no more
// than the roundings of both allow, carried through the network by the absolute values of its weights.
import type { Rank, Tensor2D } from '@tensorflow/tfjs';
import { U32 } from '../linalg/matrices.js';
import { accelerated, setBackend, tensor, tf } from './tensorflow.js';

const WIDTHS = [13, 16, 16, 5];
const SAMPLES = 8;

const weights = () => WIDTHS.slice(1).map((to, i) => tf.mul<Tensor2D>(tensor(i + 1, [WIDTHS[i] as number, to]), 0.4));
const inputs = () => tensor(20, [SAMPLES, WIDTHS[0] as number]) as Tensor2D;
const targets = () => tf.oneHot(tf.range(0, SAMPLES, 1, 'int32').mod(tf.scalar(5, 'int32')), 5).cast('float32');

/** Inputs of every layer, and the logits. */
function forward(given: readonly Tensor2D[]): Tensor2D[] {
  const values = [inputs()];
  for (const [i, weight] of given.entries()) {
    const z = tf.matMul<Tensor2D>(values.at(-1) as Tensor2D, weight);
    values.push(i + 1 < given.length ? tf.relu<Tensor2D>(z) : z);
  }
  return values;
}

function lossAndGradients() {
  return tf.tidy(() => {
    const loss = (...given: Tensor2D[]) => {
      return tf.losses.softmaxCrossEntropy(targets(), forward(given).at(-1) as Tensor2D).asScalar();
    };
    const { value, grads } = tf.valueAndGrads(loss as never)(weights());
    return [value, ...grads].map((result) => result.dataSync<'float32'>());
  });
}

/** A product of roundings: a b errs by |a| eb + ea |b| + depth units of |a| |b|. */
function bound(a: Tensor2D, ea: Tensor2D, b: Tensor2D, eb: Tensor2D, transposeA = false, transposeB = false): Tensor2D {
  const depth = a.shape[transposeA ? 0 : 1];
  const multiply = (x: Tensor2D, y: Tensor2D) => tf.matMul<Tensor2D>(tf.abs(x), tf.abs(y), transposeA, transposeB);
  return tf.addN<Tensor2D>([multiply(a, eb), multiply(ea, b), tf.mul(multiply(a, b), depth * U32)]);
}

/** How far the loss and each gradient may be from exact. */
function bounds(): Float32Array[] {
  return tf.tidy(() => {
    const given = weights();
    const exact = given.map((weight) => tf.zerosLike<Tensor2D>(weight));
    const values = forward(given);
    const errors = [tf.zerosLike<Tensor2D>(inputs())];
    for (const [i, weight] of given.entries()) {
      errors.push(bound(values[i] as Tensor2D, errors[i] as Tensor2D, weight, exact[i] as Tensor2D));
    }
    // No unit switches: every hidden value is further from zero than it errs.
    for (const [i, value] of values.slice(1, -1).entries()) {
      const positive = tf.greater(value, 0).cast('float32');
      expect(
        tf.sum(tf.mul(positive, tf.lessEqual(value, errors[i + 1] as Tensor2D).cast('float32'))).dataSync()[0],
      ).toBe(0);
    }
    // The softmax moves by at most what the logits do, twice, and rounds some 5 + 8 times; so does the loss.
    const logits = values.at(-1) as Tensor2D;
    const moved = tf.max(errors.at(-1) as Tensor2D).dataSync()[0] as number;
    const last = 2 * moved + 16 * U32;
    let delta = tf.div<Tensor2D>(tf.sub(tf.softmax(logits), targets()), SAMPLES);
    let error = tf.fill<Rank.R2>(delta.shape, last / SAMPLES);
    const found: Tensor2D[] = [];
    for (let i = given.length - 1; i >= 0; --i) {
      const [value, weight] = [values[i] as Tensor2D, given[i] as Tensor2D];
      found.unshift(bound(value, errors[i] as Tensor2D, delta, error, true));
      const open = i === 0 ? tf.onesLike(value) : tf.step(value);
      error = tf.mul(bound(delta, error, weight, exact[i] as Tensor2D, false, true), open);
      delta = tf.mul(tf.matMul(delta, weight, false, true), open);
    }
    const size = tf.max(tf.abs(logits)).dataSync()[0] as number;
    return [Float32Array.of(last + 16 * U32 * size), ...found.map((one) => one.dataSync<'float32'>())];
  });
}

test.each(['wasm', 'cpu'] as const)('%s: the loss and every gradient of the first step', async (backend) => {
  const ours = await accelerated(backend, lossAndGradients);
  await setBackend(backend);
  const stock = lossAndGradients();
  const allowed = bounds();
  expect(ours.length).toBe(stock.length);
  for (const [which, values] of ours.entries()) {
    for (const [i, value] of values.entries()) {
      const [other, most] = [stock[which]?.[i] as number, allowed[which]?.[i] as number];
      expect(Math.abs(value - other)).toBeLessThanOrEqual(2 * most);
    }
  }
});
