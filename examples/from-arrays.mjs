// Influence from plain arrays, without a framework: softmax regression on digits, a fifth of them wrongly labelled.
// node examples/from-arrays.mjs
import { factoredRows, influence, matmul, openGradients, rocAuc } from 'gradsift';
import { CLASSES, PIXELS, readDigits, split } from './digits/data.mjs';
import { generator } from './digits/random.mjs';

const { train, validation } = split(readDigits(), generator(1));
const weight = new Float32Array(CLASSES * PIXELS);

/** What left the layer, made the gradient of the loss by it: softmax(x W') - onehot(label), [samples, classes]. */
function deltas({ pixels, count }, labels) {
  const delta = matmul(pixels, weight, { m: count, k: PIXELS, n: CLASSES, transposeB: true });
  for (let i = 0; i < count; ++i) {
    const row = delta.subarray(i * CLASSES, (i + 1) * CLASSES);
    const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
    row.forEach((logit, c) => (row[c] = Math.exp(logit) / sum - (c === labels[i] ? 1 : 0)));
  }
  return delta;
}

for (let step = 0; step < 200; ++step) {
  const delta = deltas(train, train.given);
  const options = { m: CLASSES, k: train.count, n: PIXELS, transposeA: true, alpha: -0.5 / train.count, beta: 1 };
  matmul(delta, train.pixels, { ...options, out: weight });
}

// The gradient of sample i is delta_i' x_i, [classes, pixels]: two rows of numbers say it all.
const gradients = (digits, labels) => {
  const terms = [{ positions: 1, left: deltas(digits, labels), right: digits.pixels }];
  const layer = { name: 'weight', samples: digits.count, r: CLASSES, d: PIXELS, terms };
  return openGradients({ layers: { weight: { rows: factoredRows(layer), shape: [digits.count, CLASSES, PIXELS] } } });
};
const result = await influence({
  train: await gradients(train, train.given),
  val: await gradients(validation, validation.labels),
  methods: ['hyperinf'],
});
const auc = rocAuc(result.methods.hyperinf.scores[0], train.flipped);
console.log(`a wrong label scores higher than a right one with probability ${auc.toFixed(3)}`);
