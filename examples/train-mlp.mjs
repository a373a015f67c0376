// Trains a network on handwritten digits with TensorFlow.js, natively fast, and says how fast.
//
//   node examples/train-mlp.mjs [--steps 600] [--checkpoint FILE] [--stock]
//
// With --checkpoint the run saves itself and, started again, goes on where it stopped, to the same bits as without the
// stop. --stock leaves TensorFlow.js as it comes, to compare.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerate, adamwStep, softmaxCrossEntropy } from 'gradsift/tfjs';
import { CLASSES, PIXELS, readDigits, split } from './digits/data.mjs';
import { generator, permutation, uniform } from './digits/random.mjs';
import { run } from './training/run.mjs';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '600' },
    checkpoint: { type: 'string' },
    stock: { type: 'boolean', default: false },
  },
});
const steps = Number(values.steps);
if (!(Number.isSafeInteger(steps) && steps > 0)) {
  console.error(`--steps: expected a whole number above 0, got "${values.steps}"`);
  process.exit(2);
}

tf.enableProdMode();
if (values.stock) await tf.setBackend('wasm');
else await accelerate(tf, { backend: 'wasm' });

const SEED = 1;
const WIDTHS = [PIXELS, 400, 400, 400, CLASSES];
const BATCH = 200;

const random = generator(SEED);
const { base, train, test } = split(readDigits(), random, 0); // no wrong labels here
const images = tf.tensor2d([...base.pixels, ...train.pixels], [base.count + train.count, PIXELS]);
const labels = Int32Array.from([...base.labels, ...train.labels]);

const variable = (values, shape) => tf.tidy(() => tf.variable(tf.tensor(values, shape)));
const parameters = {};
WIDTHS.slice(1).forEach((out, l) => {
  const bound = Math.sqrt(6 / WIDTHS[l]); // He initialisation, for ReLU
  parameters[`${l}.weight`] = variable(uniform(random, WIDTHS[l] * out, bound), [WIDTHS[l], out]);
  parameters[`${l}.bias`] = variable(new Float32Array(out), [out]);
});
const moments = {};
for (const [name, { shape, size }] of Object.entries(parameters)) {
  for (const kind of ['mean', 'square']) moments[`${name}.${kind}`] = variable(new Float32Array(size), shape);
}

function logits(x) {
  const last = WIDTHS.length - 2;
  for (let l = 0; l <= last; ++l) {
    x = tf.matMul(x, parameters[`${l}.weight`]).add(parameters[`${l}.bias`]);
    if (l < last) x = tf.relu(x);
  }
  return x;
}

/** The rows of batch `index`: each epoch has an order of its own, known from its number, so that a run can go on. */
function batch(index) {
  const perEpoch = Math.floor(labels.length / BATCH);
  const order = permutation(generator(SEED + 1 + Math.floor(index / perEpoch)), labels.length);
  const at = (index % perEpoch) * BATCH;
  return order.subarray(at, at + BATCH);
}

function step(index) {
  return tf.tidy(() => {
    const rows = batch(index);
    const target = tf.tensor1d(
      Int32Array.from(rows, (row) => labels[row]),
      'int32',
    );
    const loss = () =>
      softmaxCrossEntropy(tf, logits(tf.gather(images, tf.tensor1d(rows, 'int32'))), target)
        .mean()
        .asScalar();
    const { value, grads } = tf.variableGrads(loss, Object.values(parameters));
    for (const [name, parameter] of Object.entries(parameters)) {
      adamwStep(tf, {
        variable: parameter,
        gradient: grads[parameter.name],
        firstMoment: moments[`${name}.mean`],
        secondMoment: moments[`${name}.square`],
        step: index + 1,
        learningRate: 1e-3,
        weightDecay: 0.01,
      });
    }
    return value.dataSync()[0];
  });
}

const variables = { ...parameters, ...moments };
const result = await run({
  ...{ variables, steps, step, every: 100, items: BATCH, unit: 'samples' },
  checkpoint: values.checkpoint,
});
const right = tf.tidy(() => {
  const guesses = logits(tf.tensor2d(test.pixels, [test.count, PIXELS]))
    .argMax(1)
    .dataSync();
  return guesses.reduce((sum, guess, i) => sum + (guess === test.labels[i] ? 1 : 0), 0) / test.count;
});
console.log(
  `${steps} steps of ${BATCH} digits: loss ${result.loss.toFixed(6)}, ${(100 * right).toFixed(1)} % of ` +
    `${test.count} test digits right, ${Math.round(result.rate)} samples/s.`,
);
