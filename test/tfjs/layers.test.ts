// Gradients of the layers against differences of losses, along the gradient itself. TensorFlow.js computes in float32:
// the loss is only known to some roundings, so that the step h has to be large, and its h^2 term is taken out.
import type { Tensor, Tensor1D, Variable } from '@tensorflow/tfjs';
import { gpt } from '../../lib/tfjs/gpt.js';
import { causalSelfAttention } from '../../lib/tfjs/layers/attention.js';
import { dense } from '../../lib/tfjs/layers/dense.js';
import { embedding, unembedding } from '../../lib/tfjs/layers/embedding.js';
import { loraDense } from '../../lib/tfjs/layers/lora.js';
import { layerNorm, rmsNorm } from '../../lib/tfjs/layers/norm.js';
import type { Model } from '../../lib/tfjs/model.js';
import { lossAndGradients } from '../../lib/tfjs/train-step.js';
import { thrownCode, U32 } from '../linalg/matrices.js';
import { setBackend, tensor, tf } from './tensorflow.js';

beforeAll(() => setBackend('cpu'));

const SAMPLES = 4;
const STEP = 2 ** -5;

/** sum of the losses, and of their sizes, in float64. */
function lossSum(model: Model, inputs: Tensor, targets: Tensor): { sum: number; size: number } {
  const losses = tf.tidy(() => model.losses({ inputs, targets }).dataSync<'float32'>());
  return {
    sum: losses.reduce((total, loss) => total + loss, 0) / SAMPLES,
    size: losses.reduce((total, loss) => total + Math.abs(loss), 0) / SAMPLES,
  };
}

/** The derivative along u by differences, and how far it may be from the truth. */
function difference(model: Model, name: string, u: Float32Array, inputs: Tensor, targets: Tensor) {
  const variable = model.weights[name] as Variable;
  const start = variable.dataSync<'float32'>().slice();
  const at = (step: number) => {
    const moved = start.map((value, i) => value + step * (u[i] as number));
    tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
    return lossSum(model, inputs, targets);
  };
  const central = (h: number) => (at(h).sum - at(-h).sum) / (2 * h);
  const slopes = [1, 2, 4].map((times) => central(times * STEP)) as [number, number, number];
  // Richardson: without their h^2 terms, two slopes differ by 15 times the error of the finer one, or more.
  const [slope, coarser] = [(4 * slopes[0] - slopes[1]) / 3, (4 * slopes[1] - slopes[2]) / 3];
  return { slope, truncation: Math.abs(slope - coarser), rounding: (ROUNDINGS * U32 * at(0).size) / STEP };
}

/** Of a loss of these nets, in units of its size: few, since those of its terms are as often up as down. */
const ROUNDINGS = 8;

const weightsOf = (shapes: Readonly<Record<string, readonly number[]>>) =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], seed) => [name, tf.variable(tf.mul(tensor(seed + 1, shape), 0.5))]),
  );

function squares(weights: Record<string, Variable>, run: (x: Tensor) => Tensor): Model {
  const losses: Model['losses'] = ({ inputs, targets }) => {
    const y = run(inputs);
    const differences = tf.sub(tf.reshape(y, [SAMPLES, -1]), tf.reshape(targets, [-1, 1]));
    return tf.mean<Tensor1D>(tf.square(differences), 1);
  };
  return { tf, weights, losses };
}

const tokens = (vocab: number, positions: number) =>
  tf.tensor2d(
    Array.from({ length: SAMPLES * positions }, (_, at) => (at * at + 3) % vocab),
    [SAMPLES, positions],
    'int32',
  );

/** At the start of training the gradients of some weights drown in rounding. */
function enlarge({ weights }: Model): void {
  Object.values(weights).forEach((variable, seed) => {
    tf.tidy(() => variable.assign(tf.add(variable, tf.mul(tensor(seed + 1, variable.shape), 0.4))));
  });
}

const CASES: readonly [string, () => { model: Model; inputs: Tensor; targets: Tensor }][] = [
  [
    'LoRA around a dense layer',
    () => {
      const w = weightsOf({ weight: [5, 4], bias: [4], loraA: [5, 2], loraB: [2, 4] });
      const model = squares(w, (x) =>
        loraDense(tf, x, { ...(w as Record<'weight' | 'loraA' | 'loraB', Variable>), loraScale: 0.7 }),
      );
      return { model, inputs: tensor(9, [SAMPLES, 3, 5]), targets: tensor(8, [SAMPLES]) };
    },
  ],
  [
    'layer norm and rms norm',
    () => {
      const w = weightsOf({ gain: [5], bias: [5], scale: [5] });
      const model = squares(w, (x) => rmsNorm(tf, layerNorm(tf, x, w.gain!, w.bias!), w.scale!));
      return { model, inputs: tensor(9, [SAMPLES, 3, 5]), targets: tensor(8, [SAMPLES]) };
    },
  ],
  [
    'causal self-attention',
    () => {
      const w = weightsOf({ q: [4, 4], k: [4, 4], v: [4, 4], o: [4, 4] });
      const projection = (name: string) => ({ weight: w[name] as Variable });
      const weights = { query: projection('q'), key: projection('k'), value: projection('v'), output: projection('o') };
      const model = squares(w, (x) => causalSelfAttention(tf, x, weights, 2));
      return { model, inputs: tensor(9, [SAMPLES, 5, 4]), targets: tensor(8, [SAMPLES]) };
    },
  ],
  [
    'an embedding, tied',
    () => {
      const w = weightsOf({ table: [7, 4] });
      const model = squares(w, (x) => unembedding(tf, tf.tanh(embedding(tf, x, w.table!)), w.table!));
      return { model, inputs: tokens(7, 5), targets: tensor(8, [SAMPLES]) };
    },
  ],
  ...[true, false].map((tied): (typeof CASES)[number] => [
    `gpt, ${tied ? 'tied' : 'untied'}`,
    () => {
      const model = gpt(tf, { vocab: 9, context: 5, layers: 1, heads: 2, width: 8, tied });
      enlarge(model);
      return { model, inputs: tokens(9, 5), targets: tokens(9, 5) };
    },
  ]),
  [
    'gpt with LoRA',
    () => {
      const model = gpt(tf, { vocab: 9, context: 5, layers: 1, heads: 2, width: 8, lora: { rank: 2, alpha: 3 } });
      enlarge(model);
      return { model, inputs: tokens(9, 5), targets: tokens(9, 5) };
    },
  ],
];

test.each(CASES)('%s: the gradient of every weight against differences', (_name, make) => {
  const { model, inputs, targets } = make();
  const { gradients } = lossAndGradients(model, { inputs, targets });
  for (const [name, gradient] of Object.entries(gradients)) {
    const values = gradient.dataSync<'float32'>();
    const analytic = Math.hypot(...values);
    // It shifts all scores of a position alike: its gradient is zero.
    if (name.endsWith('key.bias')) continue;
    const unit = values.map((value) => value / analytic);
    const { slope, truncation, rounding } = difference(model, name, unit, inputs, targets);
    const error = Math.abs(analytic - slope);
    expect({ name, sharp: truncation + rounding < 0.02 * analytic }).toEqual({ name, sharp: true });
    expect({ name, within: error <= truncation + rounding, error, truncation, rounding }).toMatchObject({
      within: true,
    });
  }
});

test('attention is causal: a later token changes no earlier logit, bit for bit', () => {
  const model = gpt(tf, { vocab: 9, context: 6, layers: 2, heads: 2, width: 8 });
  const first = tokens(9, 6).arraySync();
  const changed = first.map((row) => [
    ...row.slice(0, 4),
    (row[4] as number) === 8 ? 0 : (row[4] as number) + 1,
    row[5],
  ]);
  const logits = [first, changed].map((rows) =>
    model
      .logits(tf.tensor2d(rows as number[][], [SAMPLES, 6], 'int32'))
      .slice([0, 0, 0], [SAMPLES, 4, 9])
      .dataSync(),
  );
  expect(logits[0]).toEqual(logits[1]);
});

test('gpt: the same seed gives the same weights; LoRA starts as the model without it', () => {
  const sizes = { vocab: 9, context: 5, layers: 1, heads: 2, width: 8 } as const;
  const [a, b, other] = [gpt(tf, sizes), gpt(tf, sizes), gpt(tf, { ...sizes, seed: 1 })];
  const values = (model: Model) => model.weights['blocks.0.up.weight']?.dataSync();
  expect(values(a)).toEqual(values(b));
  expect(values(a)).not.toEqual(values(other));
  const lora = gpt(tf, { ...sizes, lora: { rank: 2 } });
  const x = tokens(9, 5);
  expect(
    Object.keys(lossAndGradients(lora, { inputs: x, targets: x }).gradients).every((n) => /lora[AB]$/.test(n)),
  ).toBe(true);
  for (const [name, variable] of Object.entries(a.weights)) lora.weights[name]?.assign(variable);
  expect(lora.logits(x).dataSync<'float32'>()).toEqual(a.logits(x).dataSync());
});

test.each([
  [{ width: 10 }, 'GRADSIFT_ARGUMENT'],
  [{ layers: 0 }, 'GRADSIFT_ARGUMENT'],
  [{ vocab: NaN }, 'GRADSIFT_ARGUMENT'],
  [{ lora: { rank: 0 } }, 'GRADSIFT_ARGUMENT'],
  [{ lora: { rank: 1, alpha: NaN } }, 'GRADSIFT_ARGUMENT'],
])('gpt refuses %j', (wrong, code) => {
  const sizes = { vocab: 9, context: 5, layers: 1, heads: 4, width: 8 };
  expect(thrownCode(() => gpt(tf, { ...sizes, ...wrong }))).toBe(code);
});

test.each<[string, () => unknown, string]>([
  ['a weight of another size', () => dense(tf, tensor(1, [2, 3]), tensor(2, [4, 5])), 'GRADSIFT_SHAPE'],
  ['a weight that is no matrix', () => dense(tf, tensor(1, [2, 3]), tensor(2, [3])), 'GRADSIFT_SHAPE'],
  ['a bias of another size', () => dense(tf, tensor(1, [2, 3]), tensor(2, [3, 5]), tensor(3, [4])), 'GRADSIFT_SHAPE'],
  ['integers', () => dense(tf, tf.ones([2, 3], 'int32'), tensor(2, [3, 5])), 'GRADSIFT_DTYPE'],
  ['an integer weight', () => dense(tf, tensor(1, [2, 3]), tf.ones([3, 5], 'int32')), 'GRADSIFT_DTYPE'],
  ['a disposed weight', () => dense(tf, tensor(1, [2, 3]), disposed([3, 5])), 'GRADSIFT_ARGUMENT'],
  [
    'an index beyond the table',
    () => embedding(tf, tf.tensor1d([0, 7], 'int32'), tensor(1, [7, 2])),
    'GRADSIFT_ARGUMENT',
  ],
  ['an index below 0', () => embedding(tf, tf.tensor1d([-1], 'int32'), tensor(1, [7, 2])), 'GRADSIFT_ARGUMENT'],
  ['indices that are floats', () => embedding(tf, tf.tensor1d([0.5]), tensor(1, [7, 2])), 'GRADSIFT_DTYPE'],
])('the layers refuse %s', (_what, call, code) => {
  expect(thrownCode(call)).toBe(code);
});

function disposed(shape: readonly number[]): Tensor {
  const made = tensor(1, shape);
  made.dispose();
  return made;
}

test('causalSelfAttention refuses heads that do not divide the width', () => {
  const w = { weight: tensor(1, [4, 4]) };
  const call = () => causalSelfAttention(tf, tensor(2, [1, 2, 4]), { query: w, key: w, value: w, output: w }, 3);
  expect(thrownCode(call)).toBe('GRADSIFT_SHAPE');
});
