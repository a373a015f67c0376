// Saving a training run, and going on from it.
import { writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Variable } from '@tensorflow/tfjs';
import { writeSafetensors } from '../../lib/gradients/write-safetensors.js';
import { loadCheckpoint, saveCheckpoint } from '../../lib/tfjs/checkpoint.js';
import { rejection } from '../gradients/rejection.js';
import { temporaryFolder } from '../gradients/temporary-folder.js';
import { BACKENDS, setBackend, tensor, tf } from './tensorflow.js';

const folder = temporaryFolder();
const path = join(folder, 'run.safetensors');
const variables = (seed: number): Record<string, Variable> => ({
  'block.0/weight': tf.variable(tensor(seed, [3, 5])),
  bias: tf.variable(tensor(seed + 1, [5])),
  step: tf.variable(tensor(seed + 2, [])),
});
const bits = (from: Record<string, Variable>) =>
  Object.values(from).map((variable) => [...new Uint32Array(variable.dataSync().slice().buffer)]);

test.each(BACKENDS)('%s: brings back every bit, the state too, and leaves nothing else', async (backend) => {
  await setBackend(backend);
  const saved = variables(1);
  saved['bias']!.assign(tf.tensor1d([Number.NaN, -0, Infinity, 1e-45, 3]));
  const state = { step: 12, random: [1, 2, 3], note: 'ü' };
  await saveCheckpoint(path, saved, state);
  const loaded = variables(7);
  const tensors = tf.memory().numTensors;
  expect(await loadCheckpoint(tf, path, loaded)).toEqual(state);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(bits(loaded)).toEqual(bits(saved));
  expect(readdirSync(folder)).toEqual(['run.safetensors']);
});

describe('what does not fit changes nothing', () => {
  const cases: [string, string, string, () => Promise<unknown>][] = [
    [
      'a variable that was not saved',
      'GRADSIFT_ARGUMENT',
      'more',
      () => loadCheckpoint(tf, path, { ...variables(7), more: tf.variable(tf.scalar(1)) }),
    ],
    [
      'a tensor nobody asked for',
      'GRADSIFT_ARGUMENT',
      'step',
      () => {
        const { step: _, ...rest } = variables(7);
        return loadCheckpoint(tf, path, rest);
      },
    ],
    [
      'another shape',
      'GRADSIFT_SHAPE',
      'bias',
      () => loadCheckpoint(tf, path, { ...variables(7), bias: tf.variable(tf.zeros([4])) }),
    ],
    [
      'another dtype',
      'GRADSIFT_DTYPE',
      'bias',
      () => saveCheckpoint(path, { bias: tf.variable(tf.zeros([4], 'int32')) }),
    ],
    ['a state that JSON cannot hold', 'GRADSIFT_ARGUMENT', 'state', () => saveCheckpoint(path, {}, () => 1)],
    [
      'a file of something else',
      'GRADSIFT_FORMAT',
      'gradsift/checkpoint/1',
      async () => {
        await writeSafetensors(join(folder, 'other.safetensors'), {});
        return loadCheckpoint(tf, join(folder, 'other.safetensors'), {});
      },
    ],
    [
      'a file cut short',
      'GRADSIFT_FORMAT',
      'cut.safetensors',
      () => {
        writeFileSync(join(folder, 'cut.safetensors'), 'xy');
        return loadCheckpoint(tf, join(folder, 'cut.safetensors'), {});
      },
    ],
    ['no file', 'GRADSIFT_IO', 'none', () => loadCheckpoint(tf, join(folder, 'none'), {})],
    [
      'a disposed variable',
      'GRADSIFT_ARGUMENT',
      'gone',
      () => {
        const gone = tf.variable(tf.scalar(1));
        gone.dispose();
        return saveCheckpoint(path, { gone });
      },
    ],
  ];
  beforeAll(() => saveCheckpoint(path, variables(1), 5));
  test.each(cases)('%s', async (_, code, named, call) => {
    const error = await rejection(call());
    expect(error.code).toBe(code);
    expect(error.message).toContain(named);
    const unchanged = variables(1);
    expect(await loadCheckpoint(tf, path, unchanged)).toBe(5);
    expect(bits(unchanged)).toEqual(bits(variables(1)));
  });
});
