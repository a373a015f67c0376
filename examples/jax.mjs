// A network that trains in jax-js, asked which of its training samples hurt: node examples/jax.mjs
import * as jax from '@jax-js/jax';
import { rocAuc, topK } from 'gradsift';
import { dense, influenceFromModel } from 'gradsift/jax';
import { CLASSES, PIXELS, readDigits, split } from './digits/data.mjs';
import { generator } from './digits/random.mjs';

const { nn, numpy: np } = jax;
await jax.init('wasm');

const { train: digits, validation } = split(readDigits(), generator(1)); // a fifth of the labels given is wrong
const images = ({ pixels, count }) => np.array(pixels).reshape([count, PIXELS]);
const random = generator(2);
const matrix = (rows, columns) => {
  const bound = Math.sqrt(6 / (rows + columns));
  const values = Float32Array.from({ length: rows * columns }, () => bound * (2 * random() - 1));
  return np.array(values).reshape([rows, columns]);
};

function losses({ hidden, bias, output }, { inputs, targets }) {
  const logits = dense(jax, nn.relu(dense(jax, inputs, hidden, bias)), output);
  return np.negative(np.sum(nn.logSoftmax(logits).mul(nn.oneHot(targets, CLASSES)), -1));
}

const step = jax.jit((weights, batch) => {
  const gradients = jax.grad((weights) => np.mean(losses(weights, batch)))(jax.tree.ref(weights));
  return jax.tree.map((weight, gradient) => weight.sub(gradient.mul(0.5)), weights, gradients);
});

const train = { inputs: images(digits), targets: np.array(Int32Array.from(digits.given)) };
let weights = { hidden: matrix(PIXELS, 64), bias: np.zeros([64]), output: matrix(64, CLASSES) };
for (let epoch = 0; epoch < 100; ++epoch) weights = step(weights, jax.tree.ref(train));

const val = { inputs: images(validation), targets: np.array(Int32Array.from(validation.labels)) };
const result = await influenceFromModel({ model: { jax, weights, losses }, train, val });
const scores = result.methods.hyperinf.scores[0]; // positive = harmful: raises the validation loss
console.log('most harmful:', topK(scores, 10));
console.log(
  `a wrong label scores higher than a right one with probability ${rocAuc(scores, digits.flipped).toFixed(3)}`,
);
