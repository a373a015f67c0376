// Per-sample gradients of an MLP 784-400x11-10 in TensorFlow.js, batch 200, in factored form, and what is made of them.
// Beside it jax-js by gradsift/jax, in the one thread it has in Node; both make the same of the factors, by gradsift.
import * as jax from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { domainGradients, factoredGfim, factoredNorms } from 'gradsift';
import * as jaxAdapter from 'gradsift/jax';
import { accelerate, captureGradients, dense, lossAndGradients, softmaxCrossEntropy } from 'gradsift/tfjs';
import { factorsByTwoPasses } from './peers/jax.mjs';
import { medianSeconds } from './timer.mjs';

const WIDTHS = [784, ...Array(11).fill(400), 10];
const SAMPLES = 200;
const DOMAINS = 4;

function uniform(seed) {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
}

function problem() {
  const random = uniform(7);
  const values = (length, size) => Float32Array.from({ length }, () => size * random());
  const weights = WIDTHS.slice(1).map((to, i) => values(WIDTHS[i] * to, Math.sqrt(6 / WIDTHS[i])));
  const labels = Int32Array.from({ length: SAMPLES }, (_, i) => i % WIDTHS.at(-1));
  return { widths: WIDTHS, weights, inputs: values(SAMPLES * WIDTHS[0], 1), labels, samples: SAMPLES };
}

function modelOf({ weights }) {
  const variables = weights.map((values, i) => tf.variable(tf.tensor2d(values, [WIDTHS[i], WIDTHS[i + 1]])));
  const losses = ({ inputs, targets }) => {
    const last = variables.length - 1;
    const logits = variables.reduce((x, weight, i) => {
      const y = dense(tf, x, weight);
      return i < last ? tf.relu(y) : y;
    }, inputs);
    return softmaxCrossEntropy(tf, logits, targets);
  };
  return { tf, weights: Object.fromEntries(variables.map((variable, i) => [`layers.${i}`, variable])), losses };
}

/** The same model and batch in jax-js. */
function jaxProblem({ weights, inputs, labels }) {
  const { nn, numpy: np } = jax;
  const kernels = weights.map((values, i) => np.array(values).reshape([WIDTHS[i], WIDTHS[i + 1]]));
  const losses = (given, { inputs, targets }) => {
    const logits = Object.values(given).reduce((x, weight, i) => {
      const y = jaxAdapter.dense(jax, x, weight);
      return i + 1 < kernels.length ? nn.relu(y) : y;
    }, inputs);
    return np.negative(np.sum(nn.logSoftmax(logits).mul(nn.oneHot(targets, WIDTHS.at(-1))), -1));
  };
  return {
    model: { jax, weights: Object.fromEntries(kernels.map((kernel, i) => [`layers.${i}`, kernel])), losses },
    batch: { inputs: np.array(inputs).reshape([SAMPLES, WIDTHS[0]]), targets: np.array(labels) },
  };
}

const rate = (seconds) => SAMPLES / seconds;
const rates = (peers) => Object.fromEntries(Object.entries(peers).map(([peer, seconds]) => [peer, rate(seconds)]));

/** gradsift/jax beside what one would write with jax-js alone. */
async function jaxRow({ model, batch }) {
  const { adapter, ...peers } = await medianSeconds(
    {
      adapter: () => jaxAdapter.captureGradients(model, batch),
      'jax-js, two forward passes': factorsByTwoPasses(jax, Object.values(model.weights), batch.inputs, batch.targets),
    },
    { seconds: 2 },
  );
  return { case: 'capture by gradsift/jax', threads: 1, unit: 'samples/s', value: rate(adapter), peers: rates(peers) };
}

/** What is made of the factors, into memory that is used again, as a training loop would. */
function uses(threads) {
  const matrices = WIDTHS.slice(0, -1).map((width) => new Float64Array(width * width));
  const gfim = (gramPrecision) => (layers) =>
    layers.forEach((layer, i) => factoredGfim(layer, { gramPrecision, out: matrices[i], threads }));
  const domainOf = Array.from({ length: SAMPLES }, (_, i) => `domain ${Math.floor((i * DOMAINS) / SAMPLES)}`);
  let out;
  const domains = (layers) => (out = domainGradients(layers, domainOf, { out, threads }).layers);
  return {
    capture: () => undefined,
    'capture, norms': (layers) => factoredNorms(layers, { threads }),
    'capture, GFIM in float64': gfim('f64'),
    'capture, GFIM in float32 tiles': gfim('f32'),
    [`capture, gradients of ${DOMAINS} domains`]: domains,
  };
}

export default {
  op: 'capture',
  async run({ threads }) {
    const rows = [];
    const given = problem();
    await jax.init('wasm');
    const byJax = jaxProblem(given);
    if (threads.includes(1)) rows.push(await jaxRow(byJax));
    for (const count of threads) {
      const handle = await accelerate(tf, { backend: 'wasm', threads: count });
      const model = modelOf(given);
      const batch = {
        inputs: tf.tensor2d(given.inputs, [SAMPLES, WIDTHS[0]]),
        targets: tf.tensor1d(given.labels, 'int32'),
      };
      const training = () => tf.dispose(lossAndGradients(model, batch).gradients);
      for (const [name, use] of Object.entries(uses(count))) {
        const candidates = {
          native: () => use(captureGradients(model, batch).layers),
          'jax-js (A, Delta)': () => use(jaxAdapter.captureGradients(byJax.model, byJax.batch).layers),
        };
        if (name === 'capture') candidates['our batch gradient'] = training;
        const { native, ...peers } = await medianSeconds(candidates, { seconds: 2 });
        rows.push({
          case: name,
          threads: count,
          unit: 'samples/s',
          value: rate(native),
          peers: rates(peers),
        });
      }
      tf.dispose([...Object.values(model.weights), ...Object.values(batch)]);
      handle.restore();
    }
    return rows;
  },
};
