// Training steps of an MLP 784-400x11-10 in TensorFlow.js, batch 200: SGD as one writes it, and model.fit with Adam.
import * as tf from '@tensorflow/tfjs';
import { besideStock } from './beside-stock.mjs';

const WIDTHS = [784, ...Array(11).fill(400), 10];
const SAMPLES = 200;
const CLASSES = 10;

function data() {
  const x = tf.randomNormal([SAMPLES, WIDTHS[0]], 0, 1, 'float32', 1);
  const labels = Int32Array.from({ length: SAMPLES }, (_, i) => i % CLASSES);
  return { x, y: tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), CLASSES).cast('float32')) };
}

function sgd({ x, y }) {
  const layers = WIDTHS.slice(1).map((to, i) => ({
    weight: tf.variable(tf.randomNormal([WIDTHS[i], to], 0, Math.sqrt(2 / WIDTHS[i]), 'float32', i + 2)),
    bias: tf.variable(tf.zeros([to])),
  }));
  const optimizer = tf.train.sgd(1e-3);
  const logits = () =>
    layers.reduce((h, { weight, bias }, i) => {
      const z = tf.add(tf.matMul(h, weight), bias);
      return i + 1 < layers.length ? tf.relu(z) : z;
    }, x);
  return () => {
    const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, logits()), true);
    loss.dataSync();
    loss.dispose();
  };
}

const BATCHES = 5; // steps of a timed call of fit, which has some work of its own

function fit({ x, y }) {
  const model = tf.sequential();
  for (const [i, units] of WIDTHS.slice(1).entries()) {
    const activation = i + 2 < WIDTHS.length ? 'relu' : 'softmax';
    const kernelInitializer = tf.initializers.heNormal({ seed: i + 2 });
    const inputShape = i === 0 ? { inputShape: [WIDTHS[0]] } : {};
    model.add(tf.layers.dense({ units, activation, kernelInitializer, ...inputShape }));
  }
  model.compile({ optimizer: tf.train.adam(1e-4), loss: 'categoricalCrossentropy' });
  const [xs, ys] = [x, y].map((one) => tf.tile(one, [BATCHES, 1]));
  return () => model.fit(xs, ys, { batchSize: SAMPLES, epochs: 1, verbose: 0, yieldEvery: 'never' });
}

export default {
  op: 'training',
  async run({ threads }) {
    const rows = [];
    await tf.setBackend('wasm');
    const given = data();
    for (const [name, make, batches] of [
      ['MLP, SGD step', sgd, 1],
      ['MLP, model.fit with Adam', fit, BATCHES],
    ]) {
      for (const count of threads) {
        const step = make(given);
        rows.push(await besideStock(name, { native: step, stock: step, threads: count, items: batches }));
      }
    }
    return rows;
  },
};
