// What only a run of many steps shows.
import type { Tensor } from '@tensorflow/tfjs';
import { accelerate } from '../../lib/tfjs/accelerate.js';
import { adamw } from '../../lib/tfjs/adamw.js';
import { gpt } from '../../lib/tfjs/gpt.js';
import type { BackendName } from '../../lib/tfjs/heap.js';
import { trainStep } from '../../lib/tfjs/train-step.js';
import { BACKENDS, setBackend, tensor, tf } from './tensorflow.js';

/** A GPT that learns eight sequences, one step a call. */
function learner(seed: number, width = 32) {
  const model = gpt(tf, { vocab: 16, context: 16, layers: 1, heads: 2, width, seed });
  const optimizer = adamw(tf, model.weights, { learningRate: 3e-3 });
  const sequence = (shift: number) => Array.from({ length: 128 }, (_, i) => ((i + shift) * (3 + (i >> 4))) % 16);
  const tokens = (shift: number) => tf.tensor(sequence(shift), [8, 16], 'int32');
  const batch = { inputs: tokens(0), targets: tokens(1) };
  return {
    step: () => trainStep(model, optimizer, batch).loss,
    dispose: () => {
      model.dispose();
      optimizer.dispose();
      tf.dispose([batch.inputs, batch.targets]);
    },
  };
}

test.each(BACKENDS)('%s: memory stays flat over 2 000 steps', async (backend) => {
  await setBackend(backend);
  const handle = await accelerate(tf, { backend });
  const { step, dispose } = learner(1);
  const megabytes = () => process.memoryUsage().rss / 2 ** 20;
  for (let i = 0; i < 1000; ++i) step();
  const before = { tensors: tf.memory().numTensors, bytes: tf.memory().numBytes, rss: megabytes() };
  for (let i = 0; i < 1000; ++i) step();
  expect(tf.memory().numTensors).toBe(before.tensors);
  expect(tf.memory().numBytes).toBe(before.bytes);
  // A leak of one tensor of the smallest kind a step (128 x 32 floats) would be 16 MB; V8 takes and gives back some.
  expect(megabytes() - before.rss).toBeLessThan(12);
  dispose();
  handle.restore();
});

const WIDTHS = [784, ...(Array(11).fill(400) as number[]), 10];
const SAMPLES = 200;

/** Losses of 20 SGD steps of an MLP 784-400x11-10, from the same weights every time. */
async function losses(backend: BackendName, native: boolean): Promise<number[]> {
  await setBackend(backend);
  const handle = native ? await accelerate(tf, { backend }) : undefined;
  const weights = WIDTHS.slice(1).map((to, i) => {
    const from = WIDTHS[i] as number;
    return tf.tidy(() => tf.variable(tensor(i + 1, [from, to]).mul(Math.sqrt(2 / from))));
  });
  const x = tensor(50, [SAMPLES, 784]);
  const y = tf.oneHot(tf.range(0, SAMPLES, 1, 'int32').mod(tf.scalar(10, 'int32')), 10).cast('float32');
  const optimizer = tf.train.sgd(0.01);
  const loss = () => {
    const logits = weights.reduce<Tensor>((h, weight, i) => {
      return i + 1 < weights.length ? tf.relu(tf.matMul(h, weight)) : tf.matMul(h, weight);
    }, x);
    return tf.losses.softmaxCrossEntropy(y, logits).asScalar();
  };
  const found = Array.from({ length: 20 }, () => {
    const value = optimizer.minimize(loss, true) as Tensor;
    const number = value.dataSync()[0] as number;
    value.dispose();
    return number;
  });
  tf.dispose([...weights, x, y]);
  optimizer.dispose();
  handle?.restore();
  return found;
}

test('20 steps of the MLP: apart from stock wasm by at most twice what stock cpu is', async () => {
  const stock = await losses('wasm', false);
  const native = await losses('wasm', true);
  const cpu = await losses('cpu', false);
  const apart = (other: number[]) => Math.max(...other.map((loss, i) => Math.abs(loss - (stock[i] as number))));
  expect(apart(native)).toBeLessThanOrEqual(2 * apart(cpu));
});

test('the final loss is that of stock, within what another seed changes', async () => {
  const last = async (seed: number, native: boolean) => {
    await setBackend('cpu'); // wasm has no stock gradient of an embedding
    const handle = native ? await accelerate(tf, { backend: 'cpu' }) : undefined;
    const { step, dispose } = learner(seed, 16);
    for (let i = 0; i < 99; ++i) step();
    const loss = step();
    dispose();
    handle?.restore();
    return loss;
  };
  const [stock, native]: [number[], number[]] = [[], []];
  for (const seed of [1, 2, 3]) {
    stock.push(await last(seed, false));
    native.push(await last(seed, true));
  }
  const spread = Math.max(...stock) - Math.min(...stock);
  for (const [i, loss] of native.entries()) expect(Math.abs(loss - (stock[i] as number))).toBeLessThanOrEqual(spread);
});
