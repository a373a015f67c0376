// Trains a small GPT on Markdown, JavaScript, declarations and JSON of the packages in node_modules, and finds out on
// the way how much of each helps it with licence texts, of which it has a few and trains on none.
//
//   node examples/mix-online.mjs [--rule dga] [--steps 400] [--checkpoint FILE] [--log FILE]
//
// Rules: dga, odm, uniform; doge learns the weights for another run, and trains as a proxy does. With --checkpoint the
// run goes on where it stopped, to the bit. --log writes what `gradsift mix learn` reads.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { createMixture, dga, doge, exportMixture, odm, openMixLog, uniform } from 'gradsift';
import { accelerate, adamw, gpt, onlineMixer, proxyRun } from 'gradsift/tfjs';
import { run, wholeNumber } from './training/run.mjs';
import { readText } from './training/text.mjs';

const { values } = parseArgs({
  options: {
    rule: { type: 'string', default: 'dga' },
    steps: { type: 'string', default: '400' },
    layers: { type: 'string', default: '2' },
    width: { type: 'string', default: '128' },
    checkpoint: { type: 'string' },
    log: { type: 'string' },
  },
});
const [steps, layers, width] = ['steps', 'layers', 'width'].map((name) => wholeNumber(`--${name}`, values[name]));

const SEED = 1;
const [CONTEXT, BATCH, PERIOD] = [64, 16, 10];
const VOCAB = 256; // bytes
const [PEAK_RATE, WARM_UP] = [2e-3, 50]; // steps of a rising learning rate, before it falls as a cosine
const TARGET = 'licences';
const NAMES = { markdown: /\.md$/i, javascript: /\.m?js$/, declarations: /\.d\.ts$/, json: /\.json$/ };

tf.enableProdMode();
await accelerate(tf, { backend: 'wasm' });
const texts = Object.fromEntries(Object.entries(NAMES).map(([domain, name]) => [domain, readText(name, 1e6).text]));
const licences = readText(/^licen[cs]e/i, 2e5).text;
texts[TARGET] = licences.subarray(0, licences.length / 4); // the rest is held out

const windowsIn = (text) => Math.floor((text.length - 1) / CONTEXT);
const sizes = Object.fromEntries(Object.keys(NAMES).map((domain) => [domain, windowsIn(texts[domain])]));
const target = { name: TARGET, size: windowsIn(texts[TARGET]) };

/** Windows of text and, for each, the bytes that follow. */
function windows(places) {
  const bytes = (shift) => places.flatMap(([text, at]) => [...text.subarray(at + shift, at + shift + CONTEXT)]);
  const tensor = (shift) => tf.tensor2d(bytes(shift), [places.length, CONTEXT], 'int32');
  return { inputs: tensor(0), targets: tensor(1) };
}
const batch = (samples) => windows(samples.map(({ domain, index }) => [texts[domain], index * CONTEXT]));

const model = gpt(tf, { vocab: VOCAB, context: CONTEXT, layers, heads: 4, width, seed: SEED });
const optimizer = adamw(tf, model.weights, { learningRate: PEAK_RATE, beta2: 0.99, weightDecay: 0.1 });
const learningRate = (step) =>
  PEAK_RATE * Math.min((step + 1) / WARM_UP, 0.55 + 0.45 * Math.cos((Math.PI * step) / steps));
const common = { model, optimizer, sizes, batch, seed: SEED, learningRate, clipNorm: 1 };
const RUNS = {
  dga() {
    const rule = dga({ target: TARGET, period: PERIOD, scoreNorm: 'cosine', stepSize: 0.5, ema: { beta: 0.5 } });
    return onlineMixer({ ...common, rule, target, batchSize: BATCH });
  },
  odm: () => onlineMixer({ ...common, rule: odm(), batchSize: BATCH }),
  uniform: () => onlineMixer({ ...common, rule: uniform(), batchSize: BATCH }),
  doge() {
    const rule = doge({ target: { name: TARGET }, scoreNorm: 'cosine', stepSize: 0.05 });
    return proxyRun({ ...common, rule, target, batchPerDomain: BATCH / 4 });
  },
};
if (!Object.hasOwn(RUNS, values.rule)) {
  console.error(`--rule: expected one of ${Object.keys(RUNS).join(', ')}, got "${values.rule}"`);
  process.exit(2);
}

/** The mean loss over licence texts that the run has not seen. */
function heldOut() {
  const begin = texts[TARGET].length;
  const places = Array.from({ length: 128 }, (_, i) => [licences, begin + i * CONTEXT]);
  const means = Array.from({ length: 8 }, (_, i) => {
    return tf.tidy(() => tf.mean(model.losses(windows(places.slice(16 * i, 16 * i + 16)))).dataSync()[0]);
  });
  return means.reduce((sum, mean) => sum + mean / means.length, 0);
}

const shown = (weights) =>
  Object.entries(weights)
    .map(([domain, weight]) => `${domain} ${(100 * weight).toFixed(1)} %`)
    .join(', ');

const mixer = RUNS[values.rule]();
const names = { rule: values.rule, domains: Object.keys(sizes), target: TARGET };
let log;
const { loss, rate } = await run(mixer, {
  ...{ steps, every: 100, items: BATCH * CONTEXT, unit: 'tokens', checkpoint: values.checkpoint },
  async look(_, record) {
    if (values.log) log ??= await openMixLog(values.log, names, record.step - 1);
    log?.write(record);
  },
});
log?.close();

const mixture = createMixture({ method: values.rule, weights: mixer.learned(), step: mixer.stepsDone });
console.log(`${mixer.stepsDone} steps of ${BATCH * CONTEXT} bytes, ${values.rule}: ${shown(mixer.learned())}`);
console.log(exportMixture(mixture, 'llama-factory').text);
console.log(
  `loss ${loss.toFixed(6)}; licence texts held out ${heldOut().toFixed(4)} nats a byte, ${Math.round(rate)} tokens/s.`,
);
