// Training steps in native code and by TensorFlow.js as it comes, wasm backend, in turns: the kernels are put in and
// taken out between them.
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerate } from 'gradsift/tfjs';
import { interval } from './peers/torch.mjs';
import { median } from './timer.mjs';

tf.enableProdMode();

/** `count` answers of an asynchronous function, one after the other. */
async function answers(ask, count) {
  const all = [];
  for (let i = 0; i < count; ++i) all.push(await ask());
  return all;
}

const timed = (step) => async () => {
  const start = performance.now();
  await step();
  return (performance.now() - start) / 1e3;
};

const WARM = 2; // runs that fill the caches and wake the threads

/**
 * A row of the table: steps a second of `native`, beside `stock` and, where there is one, a peer that answers with the
 * seconds of a step. Each round is one stock step, then some of ours, then as many of the peer's.
 */
export async function besideStock(name, { native, stock, threads, rounds = 5, steps = 7, items = 1, unit, torch }) {
  const times = { native: [], stock: [], torch: [] };
  await tf.setBackend('wasm');
  await stock();
  for (let round = 0; round < rounds; ++round) {
    times.stock.push(await timed(stock)());
    const handle = await accelerate(tf, { backend: 'wasm', threads });
    times.native.push(median((await answers(timed(native), WARM + steps)).slice(WARM)));
    handle.restore();
    if (torch) times.torch.push(median((await answers(torch, WARM + steps)).slice(WARM)));
  }
  const peer = (list) => ({
    value: items / median(list),
    ratio: interval(list.map((seconds, round) => seconds / times.native[round])),
  });
  return {
    ...{ case: name, threads, unit: unit ?? 'steps/s', value: items / median(times.native) },
    peers: { 'tfjs-wasm 4.22.0': peer(times.stock), ...(torch ? { PyTorch: peer(times.torch) } : {}) },
  };
}

/** TensorFlow.js whose embeddings are products with one-hot rows: stock wasm has no gradient of tf.gather. */
export const oneHotTf = {
  ...tf,
  gather: (table, indices) =>
    tf.tidy(() => {
      const rows = tf.oneHot(tf.reshape(indices, [-1]), table.shape[0]).cast('float32');
      return tf.reshape(tf.matMul(rows, table), [...indices.shape, table.shape[1]]);
    }),
};
