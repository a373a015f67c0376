// Run by digits-gradients.test.ts, outside of jest (the examples are ES modules): the gradients of the example beside
// central differences of a loss written down again in plain float64.
import * as tf from '@tensorflow/tfjs';
import { loraGradients } from '../../examples/digits/gradients.mjs';
import { RANK, start } from '../../examples/digits/model.mjs';
import { generator, uniform } from '../../examples/digits/random.mjs';

const WIDTHS = [64, 128, 128, 10];
const SAMPLES = 3;
const STEP = 1e-5;

await start();
const random = generator(7);
const layers = WIDTHS.slice(1).map((out, l) => ({
  weight: uniform(random, out * WIDTHS[l], 0.2),
  bias: uniform(random, out, 0.2),
  a: uniform(random, RANK * WIDTHS[l], 0.2),
  b: uniform(random, out * RANK, 0.2),
}));
const pixels = uniform(random, SAMPLES * 64, 1).map(Math.abs);
const labels = Int32Array.from([3, 0, 9]);

/** Cross-entropy of one sample in float64; the layers as plain arrays. */
function loss(net, sample) {
  let x = Float64Array.from(pixels.subarray(sample * 64, (sample + 1) * 64));
  net.forEach(({ weight, bias, a, b }, l) => {
    const low = Float64Array.from({ length: RANK }, (_, r) =>
      x.reduce((sum, value, k) => sum + a[r * x.length + k] * value, 0),
    );
    const y = Float64Array.from({ length: WIDTHS[l + 1] }, (_, o) => {
      const straight = x.reduce((sum, value, k) => sum + weight[o * x.length + k] * value, bias[o]);
      return low.reduce((sum, value, r) => sum + b[o * RANK + r] * value, straight);
    });
    x = l === net.length - 1 ? y : y.map((value) => Math.max(0, value));
  });
  const top = Math.max(...x);
  return top + Math.log(x.reduce((sum, value) => sum + Math.exp(value - top), 0)) - x[labels[sample]];
}

function difference(l, name, index, sample) {
  const at = (shift) => {
    const net = layers.map((layer, k) => (k === l ? { ...layer, [name]: Float64Array.from(layer[name]) } : layer));
    net[l][name][index] += shift;
    return loss(net, sample);
  };
  return (at(STEP) - at(-STEP)) / (2 * STEP);
}

const model = {
  base: layers.map(({ weight, bias }, l) => ({
    weight: tf.tensor2d(weight, [WIDTHS[l + 1], WIDTHS[l]]),
    bias: tf.tensor1d(bias),
  })),
  adapters: layers.map(({ a, b }, l) => ({
    a: tf.tensor2d(a, [RANK, WIDTHS[l]]),
    b: tf.tensor2d(b, [WIDTHS[l + 1], RANK]),
  })),
};
const gradients = loraGradients(model, pixels, labels).layers;
const checked = [];
for (const [name, { rows, shape }] of Object.entries(gradients)) {
  const [, l, letter] = /^layers\.(\d)\.lora_([AB])$/.exec(name);
  const [samples, rank, width] = shape;
  for (let trial = 0; trial < 40; ++trial) {
    const [i, r, k] = [samples, rank, width].map((length) => Math.floor(random() * length));
    const index = letter === 'A' ? r * width + k : k * rank + r; // lora_B is stored transposed
    const expected = difference(Number(l), letter.toLowerCase(), index, i);
    checked.push({ name, at: [i, r, k], got: rows[(i * rank + r) * width + k], expected });
  }
}
console.log(
  JSON.stringify({
    shapes: Object.fromEntries(Object.entries(gradients).map(([name, { shape }]) => [name, shape])),
    checked,
  }),
);
