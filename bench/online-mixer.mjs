// What DGA adds to a training run: seven domains, an update every hundred steps, each measured gradient on as many
// samples as a training step has. Beside it trainStep on the same tokens; the two take turns of ten steps, and a round
// is a whole period. Sizes are widths.
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { dga } from 'gradsift';
import { accelerate, adamw, gpt, onlineMixer, trainStep } from 'gradsift/tfjs';
import { interval } from './peers/torch.mjs';
import { median } from './timer.mjs';

const NETS = {
  'GPT of 2 blocks, width 128': { layers: 2, heads: 4, width: 128, rounds: 3 },
  'GPT of 4 blocks, width 256': { layers: 4, heads: 4, width: 256, rounds: 3 },
};
const [VOCAB, CONTEXT, SAMPLES] = [256, 128, 8];
const [PERIOD, TURN, DOMAINS, SIZE] = [100, 10, 7, 1000];

/** Tokens of `count` samples. */
function tokens(count, shift) {
  const sequence = (sample) => Array.from({ length: CONTEXT }, (_, i) => ((i + shift) * (sample + 1)) % VOCAB);
  return tf.tensor2d(
    Array.from({ length: count }, (_, sample) => sequence(sample)),
    [count, CONTEXT],
    'int32',
  );
}
const batch = (samples) => ({ inputs: tokens(samples.length, 0), targets: tokens(samples.length, 1) });

function runner({ rounds: _, ...net }) {
  const model = gpt(tf, { vocab: VOCAB, context: CONTEXT, ...net });
  return { model, optimizer: adamw(tf, model.weights, { learningRate: 1e-3 }), clipNorm: 1 };
}

function plain(net) {
  const { model, optimizer, clipNorm } = runner(net);
  return () => {
    const given = batch(Array(SAMPLES));
    const { loss } = trainStep(model, optimizer, given, { clipNorm });
    tf.dispose([given.inputs, given.targets]);
    return loss;
  };
}

function mixed(net) {
  const sizes = Object.fromEntries(Array.from({ length: DOMAINS }, (_, domain) => [`domain ${domain}`, SIZE]));
  const rule = dga({ period: PERIOD });
  const run = onlineMixer({ ...runner(net), rule, sizes, target: { size: SIZE }, batch, batchSize: SAMPLES });
  return () => run.step();
}

/** Seconds of each of the candidates for `steps` steps, in turns. */
function round(candidates, steps) {
  const seconds = candidates.map(() => 0);
  for (let done = 0; done < steps; done += TURN) {
    candidates.forEach((step, index) => {
      const start = performance.now();
      for (let i = 0; i < TURN; ++i) step();
      seconds[index] += (performance.now() - start) / 1e3;
    });
  }
  return seconds;
}

export default {
  op: 'online mixer',
  async run({ threads, chosen }) {
    tf.enableProdMode();
    const rows = [];
    const nets = Object.entries(NETS).filter(([, { width }]) => chosen.sizes?.includes(width) ?? true);
    for (const [name, net] of nets) {
      for (const count of threads) {
        const handle = await accelerate(tf, { backend: 'wasm', threads: count });
        const candidates = [mixed(net), plain(net)];
        round(candidates, TURN);
        // The turn that warmed up is part of a period: each round that follows has one update in it all the same.
        const times = Array.from({ length: net.rounds }, () => round(candidates, PERIOD));
        handle.restore();
        const [ours, plains] = [0, 1].map((index) => times.map((seconds) => seconds[index]));
        const rate = (list) => (PERIOD * SAMPLES * CONTEXT) / median(list);
        const peer = { value: rate(plains), ratio: interval(plains.map((seconds, r) => seconds / ours[r])) };
        rows.push({
          ...{ case: `DGA k = ${DOMAINS}, period ${PERIOD}, ${name}`, threads: count, unit: 'tokens/s' },
          ...{ value: rate(ours), peers: { 'trainStep alone': peer } },
        });
      }
    }
    return rows;
  },
};
