// Three domains of token sequences, and a target, for a GPT that trains in milliseconds.
import type { DrawnSample } from '../../../lib/reweighting/mixture-sampler.js';
import { adamw } from '../../../lib/tfjs/adamw.js';
import { gpt, type Gpt } from '../../../lib/tfjs/gpt.js';
import { tf } from '../tensorflow.js';

const [VOCAB, CONTEXT] = [12, 6];
const SLOPES: Readonly<Record<string, number>> = { up: 1, down: 11, still: 0, target: 5 };

export const SIZES = { up: 7, down: 11, still: 5 };
export const DOMAINS = Object.keys(SIZES);
export const TARGET = { target: { name: 'target', size: 6 } };

/** Sequences that go up, down or nowhere. */
export function batch(samples: readonly DrawnSample[]) {
  const tokens = (shift: number) =>
    samples.map(({ domain, index }) =>
      Array.from({ length: CONTEXT }, (_, i) => (index + (i + shift) * (SLOPES[domain] as number)) % VOCAB),
    );
  return { inputs: tf.tensor2d(tokens(0), undefined, 'int32'), targets: tf.tensor2d(tokens(1), undefined, 'int32') };
}

export const network = (seed: number) =>
  gpt(tf, { vocab: VOCAB, context: CONTEXT, layers: 1, heads: 2, width: 8, seed });

/** What every run of these tests has. */
export function common(model: Gpt) {
  const optimizer = adamw(tf, model.weights, { learningRate: 3e-3 });
  const learningRate = (step: number) => 3e-3 / (1 + step);
  return { model, optimizer, sizes: SIZES, batch, seed: 3, clipNorm: 1, measureClipNorm: 0.7, learningRate };
}
