// A run that stops and goes on has the bits of one that does not.
import { join } from 'node:path';
import { dga } from '../../../lib/reweighting/dga.js';
import { doge } from '../../../lib/reweighting/doge.js';
import { doremi } from '../../../lib/reweighting/doremi.js';
import type { DrawnSample } from '../../../lib/reweighting/mixture-sampler.js';
import { odm } from '../../../lib/reweighting/odm.js';
import { adamw } from '../../../lib/tfjs/adamw.js';
import { loadCheckpoint, saveCheckpoint } from '../../../lib/tfjs/checkpoint.js';
import { gpt, type Gpt } from '../../../lib/tfjs/gpt.js';
import type { MixtureRun } from '../../../lib/tfjs/mixing/run.js';
import { onlineMixer } from '../../../lib/tfjs/online-mixer.js';
import { proxyRun } from '../../../lib/tfjs/proxy-run.js';
import { temporaryFolder } from '../../gradients/temporary-folder.js';
import { accelerated, tf } from '../tensorflow.js';

const [VOCAB, CONTEXT] = [12, 6];
const SIZES = { up: 7, down: 11, still: 5 };
const SLOPES: Record<string, number> = { up: 1, down: 11, still: 0, target: 5 };
const TARGET = { target: { name: 'target', size: 6 } };

/** Sequences that go up, down or nowhere. */
function batch(samples: readonly DrawnSample[]) {
  const tokens = (shift: number) =>
    samples.map(({ domain, index }) =>
      Array.from({ length: CONTEXT }, (_, i) => (index + (i + shift) * (SLOPES[domain] as number)) % VOCAB),
    );
  return { inputs: tf.tensor2d(tokens(0), undefined, 'int32'), targets: tf.tensor2d(tokens(1), undefined, 'int32') };
}

const network = (seed: number) => gpt(tf, { vocab: VOCAB, context: CONTEXT, layers: 1, heads: 2, width: 8, seed });

function common(model: Gpt) {
  const optimizer = adamw(tf, model.weights, { learningRate: 3e-3 });
  const learningRate = (step: number) => 3e-3 / (1 + step);
  return { model, optimizer, sizes: SIZES, batch, seed: 3, clipNorm: 1, measureClipNorm: 0.7, learningRate };
}

const RUNS: Record<string, (model: Gpt, reference: Gpt) => MixtureRun> = {
  'dga, averaged': (model) =>
    onlineMixer({
      ...common(model),
      ...TARGET,
      rule: dga({ period: 3, ema: { beta: 0.3, feedBack: false }, scoreNorm: 'cosine' }),
      ...{ batchSize: 4, measureSize: 2 },
    }),
  odm: (model) => onlineMixer({ ...common(model), rule: odm({ variant: 'smoothed', period: 2 }), batchSize: 4 }),
  'doge online': (model) => onlineMixer({ ...common(model), rule: doge(), period: 2, batchSize: 4 }),
  'doge universal': (model) => proxyRun({ ...common(model), rule: doge({ variant: 'official' }), batchSize: 4 }),
  'doge for a target': (model) =>
    proxyRun({ ...common(model), ...TARGET, rule: doge({ target: { name: 'target' } }), batchPerDomain: 2 }),
  doremi: (model, reference) => proxyRun({ ...common(model), reference, rule: doremi(), batchSize: 4 }),
};

const path = join(temporaryFolder(), 'run.safetensors');
const bits = ({ variables }: MixtureRun) =>
  Object.values(variables).map((variable) => [...new Uint32Array(variable.dataSync().slice().buffer)]);

test.each(Object.keys(RUNS))('%s: 9 steps are 5 steps, a new process, and 4 steps', async (name) => {
  const make = RUNS[name] as (typeof RUNS)[string];
  const steps = (run: MixtureRun, count: number) => Array.from({ length: count }, () => run.step());
  const outcome = await accelerated('wasm', () => {
    const straight = make(network(1), network(2));
    const records = steps(straight, 9);
    const stopped = make(network(1), network(2));
    steps(stopped, 5);
    return { straight, records, stopped };
  });
  const { straight, records, stopped } = outcome;
  await saveCheckpoint(path, stopped.variables, stopped.state());
  const resumed = make(network(9), network(2));
  resumed.restore(await loadCheckpoint(tf, path, resumed.variables));
  const rest = await accelerated('wasm', () => steps(resumed, 4));
  expect(rest).toEqual(records.slice(5));
  expect(bits(resumed)).toEqual(bits(straight));
  expect(resumed.state()).toEqual(straight.state());
  expect(resumed.learned()).toEqual(straight.learned());
  expect(Object.values(resumed.learned())).not.toEqual(Object.values(resumed.learned()).fill(1 / 3));
});
