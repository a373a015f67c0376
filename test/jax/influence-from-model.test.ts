// Against influence() on a store of the same gradients, written out.
import { wasmBytes } from './wasm-memory.js';
import { join } from 'node:path';
import * as jax from '@jax-js/jax';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { MODEL_METHODS } from '../../lib/influence/factored-influence.js';
import { influence } from '../../lib/influence/influence.js';
import type { LayerRecord } from '../../lib/influence/result.js';
import { influenceFromModel } from '../../lib/jax/influence-from-model.js';
import { dense } from '../../lib/jax/layers/dense.js';
import type { Batch, Model } from '../../lib/jax/model.js';
import { writeGradients } from '../../lib/jax/write-gradients.js';
import { rejection } from '../gradients/rejection.js';
import { temporaryFolder } from '../gradients/temporary-folder.js';
import { largest, normals, U32 } from '../linalg/matrices.js';

const { numpy, nn } = jax;
const folder = temporaryFolder();

const array = (seed: number, shape: readonly [number, number], scale = 1) =>
  numpy.array(Float32Array.from(normals(seed, shape[0] * shape[1]), (x) => scale * x)).reshape([...shape]);

const model: Model = {
  jax,
  weights: { first: array(1, [6, 8], 0.5), bias: array(2, [1, 8]).reshape([8]), second: array(3, [8, 4], 0.5) },
  losses({ first, bias, second }, { inputs, targets }) {
    const logits = dense(jax, nn.relu(dense(jax, inputs, first!, bias)), second!);
    return numpy.negative(numpy.sum(nn.logSoftmax(logits).mul(nn.oneHot(targets, 4)), -1));
  },
};

const labelled = (seed: number, samples: number): Batch => ({
  inputs: array(seed, [samples, 6]),
  targets: numpy.array(Int32Array.from({ length: samples }, (_, i) => (i * i) % 4)),
});

/** Of one score: r and d of these layers, several times. */
const ROUNDINGS = 128;

test('the scores of influence() on the written gradients', async () => {
  const [train, val] = [labelled(4, 21), labelled(5, 6)];
  const paths = { train: join(folder, 'train.safetensors'), val: join(folder, 'val.safetensors') };
  await writeGradients(paths.train, { model, data: train, batchSize: 5 });
  await writeGradients(paths.val, { model, data: val, batchSize: 5 });
  const stores = { train: await openGradients(paths.train), val: await openGradients(paths.val) };
  const methods = [...MODEL_METHODS];
  const expected = await influence({ ...stores, methods, solver: 'cholesky', perLayerScores: true });
  const options = { model, train, val, methods, solver: 'cholesky', perLayerScores: true, batchSize: 4 } as const;
  const actual = await influenceFromModel(options);
  for (const method of MODEL_METHODS) {
    for (const layer of expected.methods[method]!.layers) {
      const own = actual.methods[method]?.layers.find(({ name }) => name === layer.name) as LayerRecord;
      const { lambdaMin, lambdaMax } = layer;
      // Rounding of the factors and their products moves A by that much, and its inverse by the condition number.
      const condition = lambdaMin === null ? 1 : (lambdaMax as number) / lambdaMin;
      const scores = layer.scores?.[0] as Float64Array;
      const error = largest(scores.map((value, i) => value - (own.scores?.[0]?.[i] as number)));
      expect(error).toBeLessThanOrEqual(ROUNDINGS * U32 * condition * largest(scores));
    }
  }
  const bytes = wasmBytes();
  // Factors that are not kept are computed again: the same bits.
  const again = await influenceFromModel({ ...options, memoryBytes: 4000 });
  for (const method of MODEL_METHODS) expect(again.methods[method]?.scores).toEqual(actual.methods[method]?.scores);
  expect(wasmBytes()).toBe(bytes);
  expect([...Object.values(model.weights), ...Object.values(train)].map(({ refCount }) => refCount)).toEqual(
    Array(5).fill(1),
  );
  await stores.train.close();
  await stores.val.close();
});

test('samples made when asked for are freed, also when they are too few', async () => {
  const made: Batch[] = [];
  const few = (start: number, count: number) => {
    made.push(labelled(start + 1, Math.min(count, 3)));
    return made.at(-1) as Batch;
  };
  const val = labelled(5, 6);
  await influenceFromModel({ model, train: { samples: 6, batch: few }, val, batchSize: 3 });
  const job = influenceFromModel({ model, train: { samples: 6, batch: few }, val, batchSize: 4 });
  expect((await rejection(job)).code).toBe('GRADSIFT_SHAPE');
  expect(made.flatMap(({ inputs, targets }) => [inputs.refCount, targets.refCount]).every((n) => n === 0)).toBe(true);
  const text = influenceFromModel({ model, train: 'train' as never, val });
  expect((await rejection(text)).code).toBe('GRADSIFT_ARGUMENT');
});
