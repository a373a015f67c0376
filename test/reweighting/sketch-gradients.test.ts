import { openGradients } from '../../lib/gradients/open-gradients.js';
import { alignments } from '../../lib/reweighting/alignments.js';
import { sketchError, sketchGradients, type SketchKind } from '../../lib/reweighting/sketch-gradients.js';
import { widen } from '../../lib/linalg/widen.js';
import { rejection } from '../gradients/rejection.js';
import { dot, thrownCode } from '../linalg/matrices.js';
import { gaussians, norm, sum } from './numbers.js';

const KINDS = ['count', 'rademacher', 'gaussian'] as const;
const [R, D] = [3, 40];
const rows = [gaussians(1, R * D), gaussians(2, R * D)].map((x, i) => x.map((value, p) => value + (p % 3) * i));
const [g, h] = rows as [number[], number[]];
const layersOf = (list: readonly (readonly number[])[]) => ({
  first: { rows: Float64Array.from(list.flatMap((x) => x.slice(0, 2 * D))), shape: [list.length, 2, D] },
  second: { rows: Float64Array.from(list.flatMap((x) => x.slice(2 * D))), shape: [list.length, D] },
});
const store = (list: readonly (readonly number[])[] = rows) => openGradients({ layers: layersOf(list) });

describe.each(KINDS)('%s', (kind: SketchKind) => {
  test('unbiased, with the variance of the formula', async () => {
    const [dimensions, seeds] = [16, kind === 'gaussian' ? 200 : 600];
    const gradients = await store();
    const estimates: number[] = [];
    for (let seed = 0; seed < seeds; ++seed) {
      const { rows: s } = await sketchGradients(gradients, { dimensions, seed, kind, threads: 1 });
      estimates.push(dot(s.subarray(0, dimensions), s.subarray(dimensions)));
    }
    const shared = sum(g.map((x, p) => (x * h[p]!) ** 2));
    const product = dot(g, h);
    const spread = (norm(g) * norm(h)) ** 2 + product ** 2 - (kind === 'gaussian' ? 0 : 2 * shared);
    const variance = spread / dimensions;
    const mean = sum(estimates) / seeds;
    expect(Math.abs(mean - product)).toBeLessThanOrEqual(6 * Math.sqrt(variance / seeds));
    const found = sum(estimates.map((x) => (x - mean) ** 2)) / (seeds - 1);
    // A sample variance of near-normal numbers has the relative error sqrt(2 / (n - 1)): six of them.
    expect(Math.abs(found / variance - 1)).toBeLessThanOrEqual(6 * Math.sqrt(2 / (seeds - 1)));
    expect(variance).toBeLessThanOrEqual(sketchError(dimensions, norm(g), norm(h), product) ** 2 * (1 + 1e-12));
  });

  test('the same bits for any number of threads, and for each row alone', async () => {
    const list = [...rows, gaussians(3, R * D), gaussians(4, R * D)];
    const options = { dimensions: 33, seed: 9, kind };
    const whole = await sketchGradients(await store(list), options);
    for (const threads of [1, 2, 3, 7]) {
      expect((await sketchGradients(await store(list), { ...options, threads })).rows).toEqual(whole.rows);
    }
    const alone = await sketchGradients(await store([list[2]!]), options);
    expect(alone.rows).toEqual(whole.rows.slice(66, 99));
  });

  test('16-bit floats as the numbers that they stand for, in a layer longer than what is read at a time', async () => {
    const [count, length] = [2, 70_003];
    const bits = Uint16Array.from({ length: count * length }, (_, i) => 0x3800 + ((i * 7919) % 0x0800));
    for (const dtype of ['BF16', 'F16'] as const) {
      const options = { dimensions: 5, seed: 3, kind };
      const half = await openGradients({ layers: { all: { rows: bits, dtype, shape: [count, length] } } });
      const full = await openGradients({ layers: { all: { rows: widen(bits, dtype), shape: [count, length] } } });
      expect((await sketchGradients(half, options)).rows).toEqual((await sketchGradients(full, options)).rows);
    }
  });

  test('linear: the sketch of a sum is the sum of sketches', async () => {
    const total = g.map((x, p) => x + h[p]!);
    const { rows: s } = await sketchGradients(await store([g, h, total]), { dimensions: 8, seed: 1, kind });
    for (let j = 0; j < 8; ++j) {
      // Sums of 120 products of numbers below 10.
      expect(Math.abs(s[j]! + s[8 + j]! - s[16 + j]!)).toBeLessThanOrEqual(120 * 10 * 2 ** -50);
    }
  });
});

test('sketches go where gradients go: alignments of sketches are near those of the gradients', async () => {
  const { rows: s, dimensions } = await sketchGradients(await store(), { dimensions: 4096, seed: 2 });
  const sketched = await openGradients({ layers: { sketch: { rows: s, shape: [2, dimensions] } } });
  const { gram } = await alignments({ gradients: sketched, rows: ['g', 'h'] });
  const product = dot(g, h);
  expect(Math.abs(gram!.g!.h! - product)).toBeLessThanOrEqual(6 * sketchError(4096, norm(g), norm(h), product));
});

test('another seed, and another name of a layer, is another projection', async () => {
  const take = async (seed: number, name: string) => {
    const gradients = await openGradients({ layers: { [name]: { rows: Float64Array.from(g), shape: [1, g.length] } } });
    return String((await sketchGradients(gradients, { dimensions: 8, seed })).rows);
  };
  expect(new Set([await take(1, 'a'), await take(2, 'a'), await take(1, 'b')]).size).toBe(3);
});

test('mistakes', async () => {
  const gradients = await store();
  const code = async (options: object) =>
    (await rejection(sketchGradients(gradients, { dimensions: 4, seed: 1, ...options }))).code;
  expect(await code({ dimensions: 0 })).toBe('GRADSIFT_ARGUMENT');
  expect(await code({ seed: -1 })).toBe('GRADSIFT_ARGUMENT');
  expect(await code({ kind: 'hash' })).toBe('GRADSIFT_ARGUMENT');
  const bad = await store([g, h.map((x, p) => (p === 7 ? NaN : x))]);
  expect(await rejection(sketchGradients(bad, { dimensions: 4, seed: 1 }))).toMatchObject({
    code: 'GRADSIFT_NON_FINITE',
  });
  expect(thrownCode(() => sketchError(4, -1, 1, 0))).toBe('GRADSIFT_ARGUMENT');
});
