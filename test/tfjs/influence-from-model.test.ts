// Against influence() on a store of the same gradients, written out.
import { join } from 'node:path';
import type { Variable } from '@tensorflow/tfjs';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { MODEL_METHODS, type ModelProgress } from '../../lib/influence/factored-influence.js';
import { influence } from '../../lib/influence/influence.js';
import { toJson, type LayerRecord } from '../../lib/influence/result.js';
import type { Data } from '../../lib/tfjs/dataset.js';
import { gpt } from '../../lib/tfjs/gpt.js';
import { influenceFromModel } from '../../lib/tfjs/influence-from-model.js';
import { dense } from '../../lib/tfjs/layers/dense.js';
import type { Batch, Model } from '../../lib/tfjs/model.js';
import { softmaxCrossEntropy } from '../../lib/tfjs/ops/softmax-cross-entropy.js';
import { writeGradients } from '../../lib/tfjs/write-gradients.js';
import { rejection } from '../gradients/rejection.js';
import { temporaryFolder } from '../gradients/temporary-folder.js';
import { largest, U32 } from '../linalg/matrices.js';
import { setBackend, tensor, tf } from './tensorflow.js';

const folder = temporaryFolder();
beforeAll(() => setBackend('cpu'));

function mlp(): Model {
  const weights = {
    first: tf.variable(tf.mul(tensor(1, [6, 8]), 0.5)),
    bias: tf.variable(tensor(2, [8])),
    second: tf.variable(tf.mul(tensor(3, [8, 4]), 0.5)),
  };
  const losses = ({ inputs, targets }: Batch) => {
    const hidden = tf.relu(dense(tf, inputs, weights.first, weights.bias));
    return softmaxCrossEntropy(tf, dense(tf, hidden, weights.second), targets);
  };
  return { tf, weights, losses };
}

const labelled = (seed: number, samples: number): Batch => ({
  inputs: tensor(seed, [samples, 6]),
  targets: tf.tensor1d(
    Array.from({ length: samples }, (_, i) => (i * i) % 4),
    'int32',
  ),
});

const sentences = (samples: number, shift: number): Batch => {
  const rows = (by: number) =>
    tf.tensor2d(
      Array.from({ length: samples * 6 }, (_, at) => (at * at + (at >> 2) + by) % 7),
      [samples, 6],
      'int32',
    );
  return { inputs: rows(shift), targets: rows(shift + 1) };
};

function loraGpt(): Model {
  const model = gpt(tf, { vocab: 7, context: 6, layers: 1, heads: 2, width: 8, lora: { rank: 2 } });
  Object.entries(model.weights).forEach(([name, weight], seed) => {
    if (name.endsWith('loraB')) weight.assign(tf.mul(tensor(seed, weight.shape), 0.3));
  });
  return model;
}

const CASES: readonly [string, () => { model: Model; train: Batch; val: Batch }][] = [
  ['an MLP', () => ({ model: mlp(), train: labelled(4, 21), val: labelled(5, 6) })],
  ['gpt with LoRA', () => ({ model: loraGpt(), train: sentences(13, 0), val: sentences(4, 3) })],
];

async function byStore(name: string, model: Model, train: Data, val: Data) {
  const paths = ['train', 'val'].map((part) => join(folder, `${name}-${part}.safetensors`)) as [string, string];
  await writeGradients(paths[0], { model, data: train, batchSize: 5 });
  await writeGradients(paths[1], { model, data: val, batchSize: 5 });
  return { train: await openGradients(paths[0]), val: await openGradients(paths[1]) };
}

test.each(CASES)('%s: the scores of influence() on the written gradients', async (name, make) => {
  const { model, train, val } = make();
  const stores = await byStore(name, model, train, val);
  const methods = [...MODEL_METHODS];
  const expected = await influence({ ...stores, methods, solver: 'cholesky', perLayerScores: true, topK: 3 });
  const options = { model, train, val, methods, solver: 'cholesky', perLayerScores: true, topK: 3 } as const;
  const actual = await influenceFromModel({ ...options, batchSize: 4 });
  for (const method of MODEL_METHODS) {
    const [a, b] = [actual.methods[method]!, expected.methods[method]!];
    expect(a.layers.map((layer) => layer.name).sort()).toEqual(b.layers.map((layer) => layer.name).sort());
    for (const layer of b.layers) {
      const own = a.layers.find((one) => one.name === layer.name) as LayerRecord;
      expect(own).toMatchObject({ status: layer.status, solver: layer.solver, shape: layer.shape });
      const { lambdaMin, lambdaMax } = layer;
      // Rounding of the factors and their products moves A by that much, and its inverse by the condition number.
      const condition = lambdaMin === null ? 1 : (lambdaMax as number) / lambdaMin;
      const bound = ROUNDINGS * U32 * condition * largest(layer.scores?.[0] ?? []);
      const error = largest((layer.scores?.[0] ?? []).map((value, i) => value - (own.scores?.[0]?.[i] as number)));
      expect({ method, name: layer.name, within: error <= bound, error, bound }).toMatchObject({ within: true });
    }
    expect(a.top?.[0]?.highest.map(({ index }) => index)).toEqual(b.top?.[0]?.highest.map(({ index }) => index));
  }
  expect(() => JSON.stringify(toJson(actual))).not.toThrow();
  // Factors that are not kept are computed again: the same bits.
  const again = await influenceFromModel({ ...options, batchSize: 4, memoryBytes: 4000 });
  for (const method of MODEL_METHODS) expect(again.methods[method]?.scores).toEqual(actual.methods[method]?.scores);
  await stores.train.close();
  await stores.val.close();
});

/** Of one score: r, d and the positions of these layers, several times. */
const ROUNDINGS = 128;

test('samples made when asked for, with progress; no tensor is left', async () => {
  const [model, data, val] = [mlp(), labelled(4, 21), labelled(5, 6)];
  const asked: [number, number][] = [];
  const train = {
    samples: 21,
    batch(start: number, count: number) {
      asked.push([start, count]);
      return { inputs: tf.slice(data.inputs, [start], [count]), targets: tf.slice(data.targets, [start], [count]) };
    },
  };
  const { numTensors } = tf.memory();
  const seen: ModelProgress[] = [];
  const result = await influenceFromModel({ model, train, val, batchSize: 8, onProgress: (at) => seen.push(at) });
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(asked).toEqual([
    [0, 8],
    [8, 8],
    [16, 5],
  ]);
  expect(seen.map(({ phase }) => phase)).toEqual(['queries', 'fit', 'fit', 'fit', 'score', 'score', 'score']);
  expect(seen.at(-1)).toEqual({ phase: 'score', done: 48, total: 48 });
  const whole = await influenceFromModel({ model, train: data, val, batchSize: 8 });
  expect(whole.methods.hyperinf?.scores).toEqual(result.methods.hyperinf?.scores);
});

test('an abort stops it between two batches, and tensors are gone', async () => {
  const [model, train, val] = [mlp(), labelled(4, 21), labelled(5, 6)];
  const controller = new AbortController();
  const reason = new Error('enough');
  const { numTensors } = tf.memory();
  const job = influenceFromModel({
    model,
    train,
    val,
    batchSize: 4,
    signal: controller.signal,
    onProgress: ({ done }) => done > 10 && controller.abort(reason),
  });
  await expect(job).rejects.toBe(reason);
  expect(tf.memory().numTensors).toBe(numTensors);
});

test('writing gradients goes on where an abort stopped it', async () => {
  const [model, data] = [mlp(), labelled(4, 21)];
  const [path, whole] = [join(folder, 'stopped.safetensors'), join(folder, 'whole.safetensors')];
  const controller = new AbortController();
  const stop = { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) };
  await expect(writeGradients(path, { model, data, batchSize: 8, ...stop })).rejects.toThrow('enough');
  const seen: number[] = [];
  await writeGradients(path, { model, data, batchSize: 8, onProgress: ({ done }) => seen.push(done) });
  expect(seen).toEqual([16, 21]);
  await writeGradients(whole, { model, data, batchSize: 8 });
  const [a, b] = [await openGradients(path), await openGradients(whole)];
  expect((await a.inputs())[0]?.sha256).toBe((await b.inputs())[0]?.sha256);
  await a.close();
  await b.close();
});

test.each([
  ['no training samples', { train: {} as Batch }, 'GRADSIFT_ARGUMENT'],
  ['a batch of the wrong size', { train: { samples: 8, batch: () => labelled(1, 3) } }, 'GRADSIFT_SHAPE'],
  ['a method of rows', { methods: ['lissa' as 'tracin'] }, 'GRADSIFT_ARGUMENT'],
  ['woodbury', { solver: 'woodbury' as const }, 'GRADSIFT_ARGUMENT'],
  ['ids of others', { ids: [1] }, 'GRADSIFT_ARGUMENT'],
  ['half a batch', { batchSize: 0.5 }, 'GRADSIFT_ARGUMENT'],
])('%s is refused', async (_what, wrong, code) => {
  const options = { model: mlp(), train: labelled(4, 8), val: labelled(5, 6), ...wrong };
  expect((await rejection(influenceFromModel(options))).code).toBe(code);
});

test('a gradient that is not a number is named', async () => {
  const model = mlp();
  const train = labelled(4, 8);
  const inputs = tf.tidy(() => {
    const values = train.inputs.dataSync<'float32'>().slice();
    values[5 * 6] = NaN;
    return tf.tensor(values, [8, 6]);
  });
  const job = influenceFromModel({ model, train: { ...train, inputs }, val: labelled(5, 6), batchSize: 3 });
  const { code, message } = await rejection(job);
  expect(code).toBe('GRADSIFT_NON_FINITE');
  expect(message).toMatch(/train: layer "first", sample 5/);
  (model.weights.first as Variable).dispose();
  const disposed = influenceFromModel({ model, train, val: labelled(5, 6) });
  expect((await rejection(disposed)).code).toBe('GRADSIFT_ARGUMENT');
});
