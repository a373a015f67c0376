// Trains a network on handwritten digits with TensorFlow.js, natively fast, and says how fast.
//
//   node examples/train-mlp.mjs [--steps 600] [--checkpoint FILE] [--stock]
//
// With --checkpoint the run saves itself and, started again, goes on where it stopped, to the same bits as without the
// stop. --stock leaves TensorFlow.js as it comes, to compare.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerate, adamw } from 'gradsift/tfjs';
import { CLASSES, PIXELS, readDigits, split } from './digits/data.mjs';
import { generator, permutation } from './digits/random.mjs';
import { accuracy, mlp } from './training/mlp.mjs';
import { plainRun, run, wholeNumber } from './training/run.mjs';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '600' },
    checkpoint: { type: 'string' },
    stock: { type: 'boolean', default: false },
  },
});
const steps = wholeNumber('--steps', values.steps);

tf.enableProdMode();
if (values.stock) await tf.setBackend('wasm');
else await accelerate(tf, { backend: 'wasm' });

const SEED = 1;
const WIDTHS = [PIXELS, 400, 400, 400, CLASSES];
const BATCH = 200;

const random = generator(SEED);
const { base, train, test } = split(readDigits(), random, 0); // no wrong labels here
const images = tf.tensor2d([...base.pixels, ...train.pixels], [base.count + train.count, PIXELS]);
const labels = tf.tensor1d([...base.labels, ...train.labels], 'int32');

const model = mlp(WIDTHS, random);
const optimizer = adamw(tf, model.weights, { learningRate: 1e-3 });

/** The samples of batch `index`: each epoch has an order of its own, known from its number. */
function batch(index) {
  const perEpoch = Math.floor(labels.size / BATCH);
  const order = permutation(generator(SEED + 1 + Math.floor(index / perEpoch)), labels.size);
  const at = (index % perEpoch) * BATCH;
  return tf.tidy(() => {
    const rows = tf.tensor1d(order.subarray(at, at + BATCH), 'int32');
    return { inputs: tf.gather(images, rows), targets: tf.gather(labels, rows) };
  });
}

const { loss, rate } = await run(plainRun({ model, optimizer, batch }), {
  ...{ steps, every: 100, items: BATCH, unit: 'samples' },
  checkpoint: values.checkpoint,
});
const held = { inputs: tf.tensor2d(test.pixels, [test.count, PIXELS]), targets: tf.tensor1d(test.labels, 'int32') };
const right = (100 * accuracy(model, held)).toFixed(1);
console.log(
  `${optimizer.stepsDone} steps of ${BATCH} digits: loss ${loss.toFixed(6)}, ` +
    `${right} % of ${test.count} test digits right, ${Math.round(rate)} samples/s.`,
);
