// Training steps of transformers in TensorFlow.js, AdamW: one of two blocks, and a GPT of four. Stock TensorFlow.js
// takes its embeddings by products with one-hot rows, having no other gradient for them; PyTorch trains the same.
import * as tf from '@tensorflow/tfjs';
import { adamw, gpt, trainStep } from 'gradsift/tfjs';
import { besideStock, oneHotTf } from './beside-stock.mjs';
import { torchPeer } from './peers/torch.mjs';

const NETS = {
  'transformer of 2 blocks': { vocab: 256, context: 64, layers: 2, heads: 4, width: 128, rounds: 5 },
  GPT: { vocab: 256, context: 128, layers: 4, heads: 4, width: 256, rounds: 3 },
};
const SAMPLES = 8;

/** A function that does one step with its own weights. */
function trainer(tf, { rounds: _, ...options }) {
  const model = gpt(tf, options);
  const optimizer = adamw(tf, model.weights, { learningRate: 1e-3 });
  const shape = [SAMPLES, options.context];
  const tokens = (seed) => tf.randomUniform(shape, 0, options.vocab, 'int32', seed);
  const batch = { inputs: tokens(1), targets: tokens(2) };
  return () => trainStep(model, optimizer, batch);
}

export default {
  op: 'training',
  async run({ threads, peers }) {
    const rows = [];
    await tf.setBackend('wasm');
    for (const [name, net] of Object.entries(NETS)) {
      for (const count of threads) {
        const [native, stock] = [trainer(tf, net), trainer(oneHotTf, net)];
        const peer = peers ? torchPeer(count, 'gpt.py') : undefined;
        const { context, layers, heads, width, vocab, rounds } = net;
        const request = [vocab, context, layers, heads, width, SAMPLES].join(' ');
        const torch = peer && (() => peer.ask(request));
        const given = { native, stock, torch, threads: count, rounds };
        rows.push(await besideStock(name, { ...given, items: SAMPLES * context, unit: 'tokens/s' }));
        peer?.close();
      }
    }
    return rows;
  },
};
