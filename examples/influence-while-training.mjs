// Watches wrong labels show themselves while a network trains on them.
//
//   node examples/influence-while-training.mjs [--steps 400] [--checkpoint FILE]
//
// 600 digits, a fifth of them with a wrong label. Now and then every training digit is scored by its influence on 120
// validation digits, straight from the model: no gradient is written or even formed. AUC is the chance that a wrong
// label scores higher than a right one. The training loss stands beside the scores; it needs no gradients.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { rocAuc } from 'gradsift';
import { accelerate, adamw, influenceFromModel } from 'gradsift/tfjs';
import { CLASSES, PIXELS, readDigits, split } from './digits/data.mjs';
import { generator, permutation } from './digits/random.mjs';
import { accuracy, losses, mlp } from './training/mlp.mjs';
import { plainRun, run, wholeNumber } from './training/run.mjs';

const { values } = parseArgs({
  options: { steps: { type: 'string', default: '400' }, checkpoint: { type: 'string' } },
});
const steps = wholeNumber('--steps', values.steps);
const [SEED, BATCH, LOOKS] = [1, 50, 8];
const METHODS = ['hyperinf', 'datainf', 'tracin'];

tf.enableProdMode();
await accelerate(tf, { backend: 'wasm' });
const random = generator(SEED);
const { train, validation } = split(readDigits(), random);
const tensors = ({ pixels, count }, labels) => ({
  inputs: tf.tensor2d(pixels, [count, PIXELS]),
  targets: tf.tensor1d(labels, 'int32'),
});
const [given, held] = [tensors(train, train.given), tensors(validation, validation.labels)];
const model = mlp([PIXELS, 128, 128, CLASSES], random);
const optimizer = adamw(tf, model.weights, { learningRate: 1e-3 });

function batch(index) {
  const perEpoch = train.count / BATCH;
  const order = permutation(generator(SEED + 1 + Math.floor(index / perEpoch)), train.count);
  const at = (index % perEpoch) * BATCH;
  return tf.tidy(() => {
    const rows = tf.tensor1d(order.subarray(at, at + BATCH), 'int32');
    return { inputs: tf.gather(given.inputs, rows), targets: tf.gather(given.targets, rows) };
  });
}

const cell = (text) => text.padStart(11);
const header = ['step', 'given right', 'validation', ...METHODS, 'loss', 'seconds'];

async function look(done) {
  if (done % Math.ceil(steps / LOOKS) !== 0 && done !== steps) return;
  const started = performance.now();
  const { methods } = await influenceFromModel({ model, train: given, val: held, methods: METHODS, batchSize: 200 });
  const seconds = (performance.now() - started) / 1e3;
  const rankings = [...METHODS.map((method) => methods[method].scores[0]), losses(model, given)];
  const row = [
    String(done),
    ...[given, held].map((digits) => `${(100 * accuracy(model, digits)).toFixed(1)} %`),
    ...rankings.map((scores) => rocAuc(scores, train.flipped).toFixed(3)),
    seconds.toFixed(2),
  ];
  console.log(row.map(cell).join(''));
}

console.log(`AUC of finding ${train.flipped.reduce((sum, flip) => sum + flip)} wrong labels among ${train.count}\n`);
console.log(header.map(cell).join(''));
const { rate } = await run(plainRun({ model, optimizer, batch }), {
  ...{ steps, every: 100, items: BATCH, unit: 'samples', look },
  checkpoint: values.checkpoint,
});
console.log(`\n${Math.round(rate)} samples/s, the looks included. Positive influence is harmful.`);
