import type { Tensor, Variable } from '@tensorflow/tfjs';
import { factoredRows } from '../../lib/gradients/factored.js';
import { captureGradients } from '../../lib/tfjs/capture/capture-gradients.js';
import { gpt } from '../../lib/tfjs/gpt.js';
import { layersModel } from '../../lib/tfjs/layers-model.js';
import { causalSelfAttention } from '../../lib/tfjs/layers/attention.js';
import { dense } from '../../lib/tfjs/layers/dense.js';
import { embedding, unembedding } from '../../lib/tfjs/layers/embedding.js';
import { loraDense } from '../../lib/tfjs/layers/lora.js';
import { layerNorm, rmsNorm } from '../../lib/tfjs/layers/norm.js';
import type { Batch, Model } from '../../lib/tfjs/model.js';
import { norm, thrownCode } from '../linalg/matrices.js';
import { accelerated, BACKENDS, setBackend, tensor, tf } from './tensorflow.js';

/** What is asked of every layer kind: relative error of a sample's gradient. */
const AGREEMENT = 1e-5;

const SAMPLES = 3;

function variables(shapes: Readonly<Record<string, readonly number[]>>): Record<string, Variable> {
  const entries = Object.entries(shapes).map(([name, shape], seed) => {
    return [name, tf.variable(tf.mul(tensor(seed + 1, shape), 0.5))] as const;
  });
  return Object.fromEntries(entries);
}

/** A model that ends in losses whose gradients differ from entry to entry. */
function modelOf(shapes: Readonly<Record<string, readonly number[]>>, run: (w: never, x: Tensor) => Tensor): Model {
  const weights = variables(shapes);
  const losses = ({ inputs, targets }: Batch) => {
    const y = run(weights as never, inputs);
    return tf.sum(tf.square(tf.sub(tf.reshape(y, [y.shape[0], -1]), tf.reshape(targets, [-1, 1]))), 1);
  };
  return { tf, weights, losses };
}

type Weights = Record<string, Variable>;
const input = (shape: readonly number[]) => tensor(99, [SAMPLES, ...shape]);
const tokens = (vocab: number, positions: number) =>
  tf.tensor2d(
    Array.from({ length: SAMPLES * positions }, (_, at) => (at * at + 3) % vocab),
    [SAMPLES, positions],
    'int32',
  );

interface Case {
  readonly model: () => Model;
  readonly inputs: () => Tensor;
  /** How the gradient of a weight is stored: the other way about than the variable, unless named. */
  readonly asIs?: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  dense: {
    model: () =>
      modelOf({ w: [5, 4], b: [4], v: [4, 2] }, ({ w, b, v }: Weights, x) =>
        dense(tf, tf.tanh(dense(tf, x, w!, b)), v!),
      ),
    inputs: () => input([5]),
  },
  'dense over a sequence': {
    model: () =>
      modelOf({ w: [5, 4], b: [4], v: [4, 2] }, ({ w, b, v }: Weights, x) =>
        dense(tf, tf.tanh(dense(tf, x, w!, b)), v!),
      ),
    inputs: () => input([6, 5]),
  },
  'a weight used twice': {
    model: () =>
      modelOf({ w: [4, 4], b: [4] }, ({ w, b }: Weights, x) => dense(tf, tf.tanh(dense(tf, x, w!, b)), w!, b)),
    inputs: () => input([3, 4]),
  },
  LoRA: {
    model: () =>
      modelOf(
        { weight: [5, 4], bias: [4], loraA: [5, 2], loraB: [2, 4] },
        ({ weight, bias, loraA, loraB }: Weights, x) =>
          loraDense(tf, x, { weight: weight!, bias, loraA: loraA!, loraB: loraB!, loraScale: 0.7 }),
      ),
    inputs: () => input([6, 5]),
    asIs: ['loraB'],
  },
  'layer norm': {
    model: () =>
      modelOf({ w: [5, 4], gain: [4], bias: [4] }, ({ w, gain, bias }: Weights, x) =>
        layerNorm(tf, dense(tf, x, w!), gain!, bias!),
      ),
    inputs: () => input([6, 5]),
  },
  'rms norm': {
    model: () => modelOf({ w: [5, 4], gain: [4] }, ({ w, gain }: Weights, x) => rmsNorm(tf, dense(tf, x, w!), gain!)),
    inputs: () => input([6, 5]),
  },
  attention: {
    model: () =>
      modelOf({ q: [4, 4], k: [4, 4], v: [4, 4], o: [4, 4], b: [4] }, ({ q, k, v, o, b }: Weights, x) =>
        causalSelfAttention(
          tf,
          x,
          { query: { weight: q!, bias: b }, key: { weight: k! }, value: { weight: v! }, output: { weight: o! } },
          2,
        ),
      ),
    inputs: () => input([6, 4]),
  },
  'embedding, tied': {
    model: () =>
      modelOf({ table: [7, 4], w: [4, 4] }, ({ table, w }: Weights, x) =>
        unembedding(tf, tf.tanh(dense(tf, embedding(tf, x, table!), w!)), table!),
      ),
    inputs: () => tokens(7, 5),
    asIs: ['table'],
  },
};

/** The gradient of one sample by TensorFlow.js, as it is stored: [r, d]. */
function plainGradient(model: Model, batch: Batch, sample: number, name: string, asIs: boolean): Float32Array {
  const variable = model.weights[name] as Variable;
  const one = (x: Tensor) => tf.slice(x, [sample], [1]);
  return tf.tidy(() => {
    const losses = () => tf.sum(model.losses({ inputs: one(batch.inputs), targets: one(batch.targets) }));
    const gradient = tf.variableGrads(losses as () => never, [variable]).grads[variable.name] as Tensor;
    return (variable.rank === 2 && !asIs ? tf.transpose(gradient) : gradient).dataSync<'float32'>().slice();
  });
}

function expectEqualGradients(model: Model, batch: Batch, asIs: readonly string[], exclude?: string): void {
  const samples = batch.inputs.shape[0];
  const { layers, losses } = captureGradients(model, batch, { exclude });
  expect(losses.length).toBe(samples);
  for (const layer of layers) {
    const rows = factoredRows(layer);
    const length = layer.r * layer.d;
    for (let i = 0; i < samples; ++i) {
      const expected = plainGradient(model, batch, i, layer.name, asIs.includes(layer.name));
      expect(expected.length).toBe(length);
      const error = expected.map((value, at) => value - (rows[i * length + at] as number));
      expect(norm(error)).toBeLessThanOrEqual(AGREEMENT * norm(expected));
    }
  }
}

describe.each(BACKENDS)('captureGradients, %s', (backend) => {
  beforeAll(() => setBackend(backend));
  // Stock wasm has no gradient for an embedding, in the plain run that we compare with.
  const possible = Object.entries(CASES).filter(([name]) => backend === 'cpu' || !name.startsWith('embedding'));

  test.each(possible)('%s: as the gradients of the samples one by one', (_name, { model, inputs, asIs = [] }) => {
    const made = model();
    expectEqualGradients(made, { inputs: inputs(), targets: tensor(7, [SAMPLES]) }, asIs);
  });
});

test('accelerated: every kind of layer, in native code', async () => {
  await accelerated('wasm', () => {
    for (const { model, inputs, asIs = [] } of Object.values(CASES)) {
      expectEqualGradients(model(), { inputs: inputs(), targets: tensor(7, [SAMPLES]) }, asIs);
    }
    const model = gpt(tf, { vocab: 11, context: 6, layers: 1, heads: 2, width: 8 });
    const batch = { inputs: tokens(11, 6), targets: tokens(11, 6) };
    expectEqualGradients(model, batch, ['tokens', 'positions'], '*.key.bias');
    model.dispose();
  });
});

describe('captureGradients', () => {
  beforeAll(() => setBackend('cpu'));

  test.each([true, false])('gpt, tied: %s', (tied) => {
    const model = gpt(tf, { vocab: 11, context: 6, layers: 2, heads: 2, width: 8, tied });
    const batch = { inputs: tokens(11, 6), targets: tokens(11, 6) };
    // The gradient of a key's bias is zero, it shifts all scores of a position alike: what comes out is rounding.
    expectEqualGradients(model, batch, ['tokens', 'positions'], '*.key.bias');
    model.dispose();
  });

  test('gpt with LoRA trains and captures the updates alone', () => {
    const model = gpt(tf, { vocab: 11, context: 6, layers: 1, heads: 2, width: 8, lora: { rank: 2, alpha: 4 } });
    for (const [name, variable] of Object.entries(model.weights)) {
      if (name.endsWith('loraB')) variable.assign(tensor(5, variable.shape));
    }
    const batch = { inputs: tokens(11, 6), targets: tokens(11, 6) };
    const { layers } = captureGradients(model, batch);
    expect(layers.map(({ name }) => name.split('.').at(-1))).toEqual(Array(6).fill(['loraA', 'loraB']).flat());
    expect(layers.every(({ r }) => r === 2)).toBe(true);
    expectEqualGradients(
      model,
      batch,
      layers.flatMap(({ name }) => (name.endsWith('loraB') ? [name] : [])),
    );
    model.dispose();
  });

  test('tf.layers: Dense, Embedding and LayerNormalization, and the model stays as it was', () => {
    const net = tf.sequential({
      layers: [
        tf.layers.embedding({ inputDim: 7, outputDim: 4, inputLength: 5 }),
        tf.layers.layerNormalization(),
        tf.layers.dense({ units: 6, activation: 'tanh' }),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    net.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const inputs = tokens(7, 5);
    const before = (net.predict(inputs) as Tensor).dataSync();
    const targets = tf.oneHot([0, 2, 1], 3);
    expectEqualGradients(layersModel(tf, net), { inputs, targets }, ['embedding_Embedding1/embeddings']);
    expect(net.layers.some((layer) => Object.hasOwn(layer, 'call'))).toBe(false);
    expect((net.predict(inputs) as Tensor).dataSync()).toEqual(before);
  });

  test('tf.layers: a functional model that uses a layer twice', () => {
    const x = tf.input({ shape: [4] });
    const twice = tf.layers.dense({ units: 4, activation: 'relu', name: 'twice' });
    const sum = tf.layers.add().apply([twice.apply(twice.apply(x)) as tf.SymbolicTensor, x]);
    const y = tf.layers.dense({ units: 2, useBias: false, name: 'last' }).apply(sum) as tf.SymbolicTensor;
    const net = tf.model({ inputs: x, outputs: y });
    net.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    expectEqualGradients(layersModel(tf, net), { inputs: input([4]), targets: tensor(7, [SAMPLES, 2]) }, []);
  });

  test('no tensor is left behind, and none is held', () => {
    const model = gpt(tf, { vocab: 11, context: 6, layers: 1, heads: 2, width: 8 });
    const batch = { inputs: tokens(11, 6), targets: tokens(11, 6) };
    captureGradients(model, batch);
    const { numTensors, numBytes } = tf.memory();
    for (let round = 0; round < 5; ++round) captureGradients(model, batch);
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
  });

  describe('what is refused', () => {
    const target = () => tensor(7, [SAMPLES]);
    const net = () => modelOf({ w: [5, 4] }, ({ w }: Weights, x) => dense(tf, x, w!));
    const codeOf = (model: Model, batch: Batch, options = {}) =>
      thrownCode(() => captureGradients(model, batch, options));

    test('a weight that is used past the layers, also beside them', () => {
      const raw = modelOf({ w: [5, 4] }, ({ w }: Weights, x) => tf.matMul(x, w!));
      expect(codeOf(raw, { inputs: input([5]), targets: target() })).toBe('GRADSIFT_ARGUMENT');
      const both = modelOf({ w: [4, 4] }, ({ w }: Weights, x) => tf.matMul(dense(tf, x, w!), w!));
      expect(codeOf(both, { inputs: input([4]), targets: target() })).toBe('GRADSIFT_ARGUMENT');
    });

    test('a weight past the layers before the backward pass, for which the backend may have no kernel', () => {
      const lacking = (w: Tensor, x: Tensor) =>
        tf.customGrad((weight) => {
          const gradFunc = () => {
            throw new Error('no such kernel');
          };
          return { value: tf.matMul(x, weight as Tensor), gradFunc };
        })(w);
      const model = modelOf({ w: [5, 4] }, ({ w }: Weights, x) => lacking(w!, x));
      expect(codeOf(model, { inputs: input([5]), targets: target() })).toBe('GRADSIFT_ARGUMENT');
    });

    test('sparse labels that are no class: to tf.layers their loss is 0', () => {
      const model = tf.sequential({
        layers: [tf.layers.dense({ units: 2, inputShape: [5], activation: 'softmax' })],
      });
      model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
      const wrapped = layersModel(tf, model);
      const labelled = (...labels: number[]) => ({ inputs: input([5]), targets: tf.tensor1d(labels) });
      expect(codeOf(wrapped, labelled(0, 1, 1))).toBe('none');
      for (const wrong of [2, -1, NaN, 0.5]) expect(codeOf(wrapped, labelled(0, wrong, 1))).toBe('GRADSIFT_ARGUMENT');
    });

    test('a model inside a model: every weight has a name, and none hides another', () => {
      const inner = tf.sequential({
        layers: [tf.layers.dense({ units: 4, inputShape: [5] }), tf.layers.dense({ units: 2 })],
      });
      const model = tf.sequential({ layers: [inner, tf.layers.dense({ units: 1 })] });
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      expect(Object.keys(layersModel(tf, model).weights)).toHaveLength(6);
    });

    test('a layer inside another one, by the kind of that', () => {
      const inner = tf.layers.dense({ units: 2 }) as unknown as never;
      const model = tf.sequential({
        layers: [tf.layers.timeDistributed({ layer: inner, inputShape: [3, 4], name: 'each' })],
      });
      const wrapped = layersModel(tf, model, { loss: (y) => tf.sum(tf.square(y), [1, 2]) });
      const batch = { inputs: input([3, 4]), targets: target() };
      expect(() => captureGradients(wrapped, batch)).toThrow(/each\/.*TimeDistributed/);
    });

    test('a kind of layer that it does not know, by name; it may be left out', () => {
      const convolution = tf.layers.conv1d({ filters: 2, kernelSize: 2, inputShape: [5, 3], name: 'taps' });
      const model = tf.sequential({
        layers: [convolution, tf.layers.flatten(), tf.layers.dense({ units: 1, name: 'last' })],
      });
      const wrapped = layersModel(tf, model, { loss: (y, x) => tf.sum(tf.square(tf.sub(y, x)), 1) });
      const batch = { inputs: input([5, 3]), targets: tensor(7, [SAMPLES, 1]) };
      expect(() => captureGradients(wrapped, batch)).toThrow(/taps\/kernel.*Conv1D/);
      const { layers } = captureGradients(wrapped, batch, { exclude: 'taps/*' });
      expect(layers.map(({ name }) => name)).toEqual(['last/kernel', 'last/bias']);
    });

    test.each<[string, () => [Model, Batch, object?], string]>([
      ['disposed inputs', () => [net(), { inputs: disposed([SAMPLES, 5]), targets: target() }], 'GRADSIFT_ARGUMENT'],
      ['no targets', () => [net(), { inputs: input([5]) } as unknown as Batch], 'GRADSIFT_ARGUMENT'],
      ['other counts', () => [net(), { inputs: input([5]), targets: tensor(1, [2]) }], 'GRADSIFT_SHAPE'],
      ['a mean for a loss', () => [meanLoss(net()), { inputs: input([5]), targets: target() }], 'GRADSIFT_SHAPE'],
      ['text', () => [net(), { inputs: tf.tensor1d(['a', 'b', 'c']), targets: target() }], 'GRADSIFT_DTYPE'],
      ['a weight of integers', () => [integerWeight(), { inputs: input([5]), targets: target() }], 'GRADSIFT_DTYPE'],
      [
        'a name that no weight has',
        () => [net(), { inputs: input([5]), targets: target() }, { layers: 'x' }],
        'GRADSIFT_ARGUMENT',
      ],
    ])('%s', (_what, given, code) => {
      expect(codeOf(...given())).toBe(code);
    });

    test('tokens and labels out of range, of another type, or too many', () => {
      const model = gpt(tf, { vocab: 5, context: 4, layers: 1, heads: 1, width: 4 });
      const good = tokens(5, 4);
      const bad = tf.fill([SAMPLES, 4], 5, 'int32');
      expect(codeOf(model, { inputs: bad, targets: good })).toBe('GRADSIFT_ARGUMENT');
      expect(codeOf(model, { inputs: good, targets: bad })).toBe('GRADSIFT_ARGUMENT');
      expect(codeOf(model, { inputs: tf.cast(good, 'float32'), targets: good })).toBe('GRADSIFT_DTYPE');
      expect(codeOf(model, { inputs: tokens(5, 5), targets: tokens(5, 5) })).toBe('GRADSIFT_SHAPE');
      // Nothing of a failed capture stays: the next one works.
      expect(codeOf(model, { inputs: good, targets: good })).toBe('none');
    });
  });
});

function integerWeight(): Model {
  return { ...modelOf({}, (_, x) => x), weights: { w: tf.variable(tf.ones([5, 4], 'int32')) } };
}

function disposed(shape: readonly number[]): Tensor {
  const made = tensor(1, shape);
  made.dispose();
  return made;
}

function meanLoss(model: Model): Model {
  return { ...model, losses: (batch) => tf.mean(model.losses(batch)) };
}
