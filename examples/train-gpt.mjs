// Trains a small GPT, byte by byte, on the Markdown of the packages in node_modules, and lets it write.
//
//   node examples/train-gpt.mjs [--steps 1000] [--layers 4] [--width 256] [--checkpoint FILE] [--write 300]
//
// With --checkpoint the run saves itself and, started again, goes on where it stopped, to the same bits as without the
// stop. The text is the same for the same package-lock.json; its hash is printed.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerate, adamw, gpt } from 'gradsift/tfjs';
import { generator } from './digits/random.mjs';
import { plainRun, run, wholeNumber } from './training/run.mjs';
import { readText } from './training/text.mjs';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000' },
    layers: { type: 'string', default: '4' },
    width: { type: 'string', default: '256' },
    write: { type: 'string', default: '300' },
    checkpoint: { type: 'string' },
  },
});
const [steps, layers, width, written] = ['steps', 'layers', 'width', 'write'].map((name) =>
  wholeNumber(`--${name}`, values[name]),
);

const SEED = 1;
const [CONTEXT, BATCH, HELD_OUT] = [128, 8, 64];
const VOCAB = 256; // bytes
const [PEAK_RATE, WARM_UP] = [1e-3, 100]; // steps of a rising learning rate, before it falls as a cosine

tf.enableProdMode();
await accelerate(tf, { backend: 'wasm' });
const { text, files, sha256 } = readText(/\.md$/i, 1e8);
const cut = Math.floor(0.95 * text.length); // what follows is held out
console.error(`${(text.length / 1e6).toFixed(1)} MB of ${files} Markdown files, sha256 ${sha256.slice(0, 16)}`);

/** Windows of text at random places of [begin, end), and what follows each byte. */
function windows(count, begin, end, random) {
  const starts = Array.from({ length: count }, () => begin + Math.floor(random() * (end - begin - CONTEXT - 1)));
  const bytes = (shift) => starts.flatMap((at) => [...text.subarray(at + shift, at + shift + CONTEXT)]);
  const [inputs, targets] = [0, 1].map((shift) => tf.tensor2d(bytes(shift), [count, CONTEXT], 'int32'));
  return { inputs, targets };
}

const heads = width % 64 === 0 ? width / 64 : 1; // of 64 numbers each, where that divides
const model = gpt(tf, { vocab: VOCAB, context: CONTEXT, layers, heads, width, seed: SEED });
const optimizer = adamw(tf, model.weights, { learningRate: PEAK_RATE, beta2: 0.99, weightDecay: 0.1 });
const training = plainRun({
  ...{ model, optimizer, clipNorm: 1 },
  batch: (index) => windows(BATCH, 0, cut, generator(SEED + 1 + index)),
  learningRate: (index) =>
    PEAK_RATE * Math.min((index + 1) / WARM_UP, 0.55 + 0.45 * Math.cos((Math.PI * index) / steps)),
});
const { loss, rate } = await run(training, {
  ...{ steps, every: 100, items: BATCH * CONTEXT, unit: 'tokens' },
  checkpoint: values.checkpoint,
});

/** The mean loss over windows of the text that was held out. */
function heldOut() {
  const random = generator(SEED);
  let sum = 0;
  for (let done = 0; done < HELD_OUT; done += BATCH) {
    sum += tf.tidy(() => tf.sum(model.losses(windows(BATCH, cut, text.length, random))).dataSync()[0]);
  }
  return sum / HELD_OUT;
}

/** Writes on from a beginning, each byte drawn by its probability, at a temperature of 0.8. */
function write(beginning, count) {
  const bytes = [...Buffer.from(beginning)];
  const random = generator(SEED + 2);
  while (bytes.length < count) {
    const recent = bytes.slice(-CONTEXT);
    const chances = tf.tidy(() => {
      const last = model.logits(tf.tensor2d(recent, [1, recent.length], 'int32')).slice([0, recent.length - 1, 0]);
      return tf.softmax(last.reshape([VOCAB]).div(0.8)).dataSync();
    });
    let left = random();
    const drawn = chances.findIndex((chance) => (left -= chance) < 0);
    bytes.push(drawn < 0 ? chances.length - 1 : drawn);
  }
  return Buffer.from(bytes).toString();
}

const nats = heldOut();
console.log(`${write('# ', written)}\n`);
console.log(
  `${optimizer.stepsDone} steps of ${BATCH * CONTEXT} bytes: loss ${loss.toFixed(6)}; ` +
    `held out ${nats.toFixed(4)} nats a byte (${(nats / Math.LN2).toFixed(3)} bits), ${Math.round(rate)} tokens/s.`,
);
