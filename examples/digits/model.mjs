import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerate } from 'gradsift/tfjs';
import { CLASSES, PIXELS } from './data.mjs';
import { permutation, uniform } from './random.mjs';

/** Inputs and outputs of the three linear layers: 64-128-128-10, ReLU between them. */
const WIDTHS = [PIXELS, 128, 128, CLASSES];
export const RANK = 4;
const BATCH = 32;

/** Must run once before anything else: TensorFlow.js on WebAssembly, with gradsift's native kernels put in. */
export async function start() {
  tf.enableProdMode();
  await accelerate(tf, { backend: 'wasm' });
}

/** A trainable tensor; the one that holds the initial values is freed. */
const variable = (values, shape) => tf.tidy(() => tf.variable(tf.tensor(values, shape)));

/** The layers of a new base model. Weights are [out, in], and start as in PyTorch: uniform within 1 / sqrt(in). */
function newBase(random) {
  return WIDTHS.slice(1).map((out, l) => {
    const limit = 1 / Math.sqrt(WIDTHS[l]);
    const weight = variable(uniform(random, out * WIDTHS[l], limit), [out, WIDTHS[l]]);
    return { weight, bias: variable(uniform(random, out, limit), [out]) };
  });
}

/** LoRA factors for every layer, y = W x + b + B A x: A [rank, in] starts random, B [out, rank] at zero. */
function newAdapters(random) {
  return WIDTHS.slice(1).map((out, l) => {
    const limit = 1 / Math.sqrt(WIDTHS[l]);
    const a = variable(uniform(random, RANK * WIDTHS[l], limit), [RANK, WIDTHS[l]]);
    return { a, b: variable(new Float32Array(out * RANK), [out, RANK]) };
  });
}

/** Outputs before the ReLU and the inputs of each layer, for images [samples, 64]. The last output holds the logits. */
export function forward(model, images) {
  const inputs = [];
  let x = images;
  let y;
  model.base.forEach(({ weight, bias }, l) => {
    inputs.push(x);
    y = tf.matMul(x, weight, false, true).add(bias);
    const adapter = model.adapters?.[l];
    if (adapter) y = y.add(tf.matMul(tf.matMul(x, adapter.a, false, true), adapter.b, false, true));
    x = tf.relu(y);
  });
  return { inputs, logits: y };
}

/** Cross-entropy of each sample, in nats, as a tensor. */
function crossEntropy(model, images, labels) {
  const target = tf.oneHot(tf.tensor1d(labels, 'int32'), CLASSES);
  return tf.logSoftmax(forward(model, images).logits).mul(target).sum(1).neg();
}

/** Cross-entropy of each sample, in nats. Pixels are [samples, 64], row by row. */
export function losses(model, pixels, labels) {
  return tf.tidy(() => crossEntropy(model, tf.tensor2d(pixels, [labels.length, PIXELS]), labels).dataSync());
}

/** Adam on batches of 32 in a new random order each epoch. */
async function fit(model, variables, data, labels, { epochs, learningRate, random, onEpoch }) {
  const optimizer = tf.train.adam(learningRate);
  const images = tf.tensor2d(data.pixels, [data.count, PIXELS]);
  for (let epoch = 0; epoch < epochs; ++epoch) {
    const order = permutation(random, data.count);
    for (let first = 0; first < data.count; first += BATCH) {
      tf.tidy(() => {
        const rows = order.subarray(first, first + BATCH);
        const given = Int32Array.from(rows, (row) => labels[row]);
        optimizer.minimize(
          () => crossEntropy(model, tf.gather(images, tf.tensor1d(rows, 'int32')), given).mean(),
          false,
          variables,
        );
      });
    }
    onEpoch?.(epoch + 1);
    await tf.nextFrame(); // lets timers and Ctrl-C through
  }
  images.dispose();
  optimizer.dispose();
}

/** A base model that has learned the clean digits; frozen from here on. */
export async function trainBase(data, random, onEpoch) {
  const base = newBase(random);
  const variables = base.flatMap(({ weight, bias }) => [weight, bias]);
  await fit({ base }, variables, data, data.labels, { epochs: 40, learningRate: 1e-3, random, onEpoch });
  return base;
}

/** The same model with LoRA adapters fitted to the given (partly wrong) labels. */
export async function fineTune(base, data, random, onEpoch) {
  const model = { base, adapters: newAdapters(random) };
  const variables = model.adapters.flatMap(({ a, b }) => [a, b]);
  await fit(model, variables, data, data.given, { epochs: 10, learningRate: 3e-3, random, onEpoch });
  return model;
}

/** Share of the samples for which the largest logit is the label. */
export function accuracy(model, data, labels) {
  const guesses = tf.tidy(() =>
    forward(model, tf.tensor2d(data.pixels, [data.count, PIXELS]))
      .logits.argMax(1)
      .dataSync(),
  );
  return guesses.reduce((right, guess, i) => right + (guess === labels[i] ? 1 : 0), 0) / data.count;
}

/** Frees the tensors of a model. */
export function dispose(model) {
  tf.dispose([...model.base.flatMap(Object.values), ...(model.adapters ?? []).flatMap(Object.values)]);
}
