import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import type { GradientStore } from '../../lib/gradients/store.js';
import { writeSafetensors } from '../../lib/gradients/write-safetensors.js';
import { alignments, type AlignmentsOptions } from '../../lib/reweighting/alignments.js';
import { dga } from '../../lib/reweighting/dga.js';
import type { DomainNumbers } from '../../lib/reweighting/domains.js';
import { doge } from '../../lib/reweighting/doge.js';
import { dot, U64 } from '../linalg/matrices.js';
import { expectDigits, gaussians, gramOf, named, norm, values } from './numbers.js';

/** A store of one layer, a row a gradient. */
const rowsOf = (gradients: readonly (readonly number[])[]): Promise<GradientStore> => {
  const d = gradients[0]!.length;
  return openGradients({
    layers: { all: { rows: Float64Array.from(gradients.flat()), shape: [gradients.length, d] } },
  });
};
const G = [
  [1, 2, 0],
  [0, 1, -1],
  [2, 0, 1],
];
const DOMAINS = ['a', 'b', 'c'];

test('the Gram matrix of the golden gradients, straight into DoGE', async () => {
  const found = await alignments({ gradients: await rowsOf(G), rows: DOMAINS });
  expect(found.gram).toEqual(gramOf(G));
  expect(found.norms).toEqual(named(G.map(norm)));
  expect(found).not.toHaveProperty('alignment');
  const rule = doge({ variant: 'official' });
  const state = rule.update(rule.init(DOMAINS), { learningRate: 1e-3, ...found });
  expectDigits(values(rule.weights(state)), [0.343576751724, 0.323193789325, 0.333229458952], 12);
});

test('alignments with a target, straight into DGA', async () => {
  const found = await alignments({ gradients: await rowsOf(G), rows: DOMAINS, target: await rowsOf([[1, 0, 1]]) });
  expect(found.alignment).toEqual(named([1, -1, 3]));
  expect(found.targetNorm).toBe(Math.SQRT2);
  expect(found).not.toHaveProperty('gram');
  const rule = dga({ stepSize: 0.1 });
  const state = rule.update(rule.init(DOMAINS), found as { alignment: Record<string, number> });
  expectDigits(values(rule.weights(state)), [0.328932922289, 0.269307499178, 0.401759578533], 12);
});

const rowsBy = (gram: Readonly<Record<string, DomainNumbers>>) => Object.values(gram);

describe('averages before products', () => {
  test('two ranks with opposite gradients: 0, where the mean of products is 1', async () => {
    const ranks = [
      [1, 0],
      [-1, 0],
    ];
    const found = await alignments({ gradients: await rowsOf(ranks), rows: ['a', 'a'], target: await rowsOf(ranks) });
    expect(found.alignment).toEqual({ a: 0 });
    expect(found.norms).toEqual({ a: 0 });
    expect(found.targetNorm).toBe(0);
  });

  test('microbatches average by tokens, and equal the whole batch', async () => {
    const parts = [gaussians(1, 5), gaussians(2, 5), gaussians(3, 5), gaussians(4, 5)];
    const tokens = [10, 30, 7, 7];
    const blend = (i: number, j: number) =>
      parts[i]!.map((x, at) => (tokens[i]! * x + tokens[j]! * parts[j]![at]!) / (tokens[i]! + tokens[j]!));
    const means = [blend(0, 1), blend(2, 3)];
    const target = [gaussians(5, 5), gaussians(6, 5)];
    const mean = target[0]!.map((x, at) => 0.25 * x + 0.75 * target[1]![at]!);
    const found = await alignments({
      gradients: await rowsOf(parts),
      rows: ['a', 'a', 'b', 'b'],
      tokens,
      target: await rowsOf(target),
      targetTokens: [1, 3],
      gram: true,
    });
    const bound = 64 * U64 * 25; // five products of numbers below 5, some of them sums
    means.forEach((g, i) => {
      expect(Math.abs(values(found.alignment!)[i]! - dot(g, mean))).toBeLessThanOrEqual(bound);
      expect(Math.abs(values(found.norms)[i]! - norm(g))).toBeLessThanOrEqual(bound);
      means.forEach((h, j) =>
        expect(Math.abs(values(rowsBy(found.gram!)[i]!)[j]! - dot(g, h))).toBeLessThanOrEqual(bound),
      );
    });
    expect(rowsBy(found.gram!).map((row) => values(row)[0])[1]).toBe(values(rowsBy(found.gram!)[0]!)[1]);
  });
});

describe('several layers', () => {
  const k = 7;
  const layer = (seed: number, r: number, d: number) => ({
    rows: Float32Array.from(gaussians(seed, k * r * d)),
    shape: [k, r, d],
  });
  const layers = { wide: layer(21, 2, 300), flat: layer(22, 1, 70), tall: layer(23, 90, 3) };
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'a'];
  const target = { wide: layer(31, 2, 300), flat: layer(32, 1, 70), tall: layer(33, 90, 3) };

  const run = async (options: Partial<AlignmentsOptions> = {}) =>
    alignments({
      gradients: await openGradients({ layers }),
      rows: names,
      target: await openGradients({ layers: target }),
      gram: true,
      ...options,
    });

  test('the same bits for any memory budget and number of threads, from a file and from memory', async () => {
    const long = {
      wide: layer(41, 3, 4321),
      flat: layer(42, 1, 1024),
    };
    const folder = await mkdtemp(join(tmpdir(), 'gradsift-'));
    try {
      const path = join(folder, 'gradients.safetensors');
      const tensor = ({ rows, shape }: (typeof long)['wide']) => ({ dtype: 'F32' as const, shape, data: rows });
      await writeSafetensors(path, { wide: tensor(long.wide), flat: tensor(long.flat) });
      const inMemory = {
        gradients: await openGradients({ layers: long }),
        target: await openGradients({ layers: long }),
      };
      const { inputs: _inputs, ...whole } = await run(inMemory);
      const stored = await openGradients(path);
      // 1024 columns of 7 rows of 4 bytes, in two buffers, of the gradients and of the target.
      const least = 2 * 2 * 1024 * 7 * 4;
      for (const memoryBytes of [least, 3 * least, 100 * least]) {
        for (const threads of [1, 2, 3, 7]) {
          const { inputs: _again, ...found } = await run({ gradients: stored, target: stored, memoryBytes, threads });
          expect(found).toEqual(whole);
        }
      }
      const tooLittle = run({ gradients: stored, target: stored, memoryBytes: least - 1 });
      await expect(tooLittle).rejects.toMatchObject({ code: 'GRADSIFT_MEMORY' });
      await stored.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('bf16 counts as the numbers that it stands for', async () => {
    const bits = (from: typeof layers) =>
      Object.fromEntries(
        Object.entries(from).map(([name, { rows, shape }]) => {
          const words = new Uint16Array(new Uint32Array(rows.slice().buffer).map((word) => word >>> 16));
          return [name, { rows: words, shape, dtype: 'BF16' as const }];
        }),
      );
    const widened = (from: typeof layers) =>
      Object.fromEntries(
        Object.entries(from).map(([name, { rows, shape }]) => {
          const words = new Uint32Array(rows.slice().buffer).map((word) => word & 0xffff0000);
          return [name, { rows: new Float32Array(words.buffer), shape }];
        }),
      );
    const half = await run({ gradients: await openGradients({ layers: bits(layers) }) });
    const full = await run({ gradients: await openGradients({ layers: widened(layers) }) });
    expect(half.gram).toEqual(full.gram);
    expect(half.alignment).toEqual(full.alignment);
  });

  test('an abort rejects with its reason; progress names the layers', async () => {
    const reason = new Error('enough');
    await expect(run({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const seen: string[] = [];
    await run({ onProgress: ({ layer: name }) => void seen.push(name) });
    expect(new Set(seen)).toEqual(new Set(['wide', 'flat', 'tall']));
  });
});

test('mistakes', async () => {
  const gradients = await rowsOf(G);
  const code = async (options: object) =>
    alignments({ gradients, rows: DOMAINS, ...options }).then(
      () => 'none',
      (error: unknown) => (error as { code?: string }).code,
    );
  expect(await code({ rows: ['a', 'b'] })).toBe('GRADSIFT_ARGUMENT');
  expect(await code({ rows: ['a', 'b', 3] })).toBe('GRADSIFT_ARGUMENT');
  expect(await code({ tokens: [1, 1] })).toBe('GRADSIFT_ARGUMENT');
  expect(await code({ tokens: [1, 0, 1] })).toBe('GRADSIFT_ARGUMENT');
  expect(await code({ tokens: [1, NaN, 1] })).toBe('GRADSIFT_ARGUMENT');
  expect(await code({ gram: 'yes' })).toBe('GRADSIFT_ARGUMENT');
  expect(await code({ target: await rowsOf([[1, 2]]) })).toBe('GRADSIFT_SHAPE');
  expect(await code({ target: await rowsOf([[1, NaN, 0]]) })).toBe('GRADSIFT_NON_FINITE');
  expect(await code({ gradients: await rowsOf([G[0]!, [1, Infinity, 0], G[2]!]) })).toBe('GRADSIFT_NON_FINITE');
});
