import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { factoredRows, type FactoredLayer } from '../../lib/gradients/factored.js';
import { openGradientWriter, type GradientWriterOptions } from '../../lib/gradients/gradient-writer.js';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { readSafetensors } from '../../lib/gradients/read-safetensors.js';
import { normals } from '../linalg/matrices.js';
import { rejection } from './rejection.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const alone = temporaryFolder();

const LAYERS = [
  { name: 'a', r: 2, d: 3 },
  { name: 'b', r: 1, d: 5 },
];
const OPTIONS: GradientWriterOptions = { samples: 6, layers: LAYERS };

const rowsOf = (seed: number, samples: number, r: number, d: number) =>
  Float32Array.from(normals(seed, samples * r * d));
const batchOf = (seed: number, samples: number) => ({
  a: rowsOf(seed, samples, 2, 3),
  b: rowsOf(seed + 100, samples, 1, 5),
});

async function valuesOf(path: string, name: string): Promise<Float32Array> {
  const store = await openGradients(path);
  const layer = store.layers.find((info) => info.name === name);
  const all: number[] = [];
  if (layer) for await (const { rows } of store.blocks(layer, { blockSamples: 4 })) all.push(...rows);
  await store.close();
  return Float32Array.from(all);
}

test('batches become a store, with metadata, and nothing else is left in the folder', async () => {
  const path = join(alone, 'train.safetensors');
  const writer = await openGradientWriter(path, { ...OPTIONS, metadata: { model: 'mlp' } });
  await writer.append(batchOf(1, 4));
  expect([writer.written, existsSync(path)]).toEqual([4, false]);
  await writer.append(batchOf(2, 2));
  await writer.finish();
  for (const name of ['a', 'b'] as const) {
    expect(await valuesOf(path, name)).toEqual(Float32Array.of(...batchOf(1, 4)[name], ...batchOf(2, 2)[name]));
  }
  expect((await readSafetensors(path)).metadata.get('model')).toBe('mlp');
  expect(readdirSync(alone)).toEqual(['train.safetensors']);
});

test('factored gradients are formed as they are written', async () => {
  const path = join(folder, 'factored.safetensors');
  const layer: FactoredLayer = {
    name: 'w',
    samples: 3,
    r: 4,
    d: 3,
    terms: [{ positions: 2, left: rowsOf(1, 6, 1, 4), right: rowsOf(2, 6, 1, 3) }],
  };
  const writer = await openGradientWriter(path, { samples: 3, layers: [layer] });
  await writer.append([layer]);
  await writer.finish();
  expect(await valuesOf(path, 'w')).toEqual(factoredRows(layer));
});

test.each(['F16', 'BF16'] as const)('%s: rounded, and half the size', async (dtype) => {
  const path = join(folder, `${dtype}.safetensors`);
  const writer = await openGradientWriter(path, { ...OPTIONS, dtype });
  const batch = batchOf(3, 6);
  await writer.append(batch);
  await writer.finish();
  const unit = dtype === 'F16' ? 2 ** -11 : 2 ** -8;
  const values = await valuesOf(path, 'a');
  // Half a unit in the last place; numbers below 2^-14 have an absolute one in F16.
  values.forEach((value, i) => {
    expect(Math.abs(value - (batch.a[i] as number))).toBeLessThanOrEqual(
      unit * Math.abs(batch.a[i] as number) + 2 ** -25,
    );
  });
});

describe('interruption', () => {
  const start = async (path: string) => {
    const writer = await openGradientWriter(path, OPTIONS);
    await writer.append(batchOf(1, 4));
    await writer.close();
    return writer;
  };

  test('a closed writer is resumed where it was; the file is that of one run, byte for byte', async () => {
    const [path, whole] = [join(folder, 'resumed.safetensors'), join(folder, 'whole.safetensors')];
    const first = await start(path);
    expect((await rejection(first.append(batchOf(2, 2)))).code).toBe('GRADSIFT_IO');
    expect(existsSync(path)).toBe(false);
    const second = await openGradientWriter(path, OPTIONS);
    expect(second.written).toBe(4);
    await second.append(batchOf(2, 2));
    await second.finish();
    const writer = await openGradientWriter(whole, OPTIONS);
    for (const [seed, samples] of [[1, 4] as const, [2, 2] as const]) await writer.append(batchOf(seed, samples));
    await writer.finish();
    expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
  });

  test('without a journal nothing is safe: it begins again', async () => {
    const path = join(folder, 'crashed.safetensors');
    writeFileSync(join(folder, '.crashed.safetensors.partial'), 'half a header');
    const writer = await openGradientWriter(path, OPTIONS);
    expect(writer.written).toBe(0);
    await writer.close();
    expect(readdirSync(folder).filter((name) => name.includes('crashed'))).toEqual([]);
  });

  test('another job is refused, and what is there stays', async () => {
    const path = join(folder, 'other.safetensors');
    await start(path);
    for (const changed of [{ samples: 7 }, { dtype: 'F16' as const }, { metadata: { k: 'v' } }]) {
      expect((await rejection(openGradientWriter(path, { ...OPTIONS, ...changed }))).code).toBe('GRADSIFT_ARGUMENT');
    }
    const again = await openGradientWriter(path, OPTIONS);
    expect(again.written).toBe(4);
    await again.close();
  });
});

describe('what is refused', () => {
  test.each<[string, Partial<GradientWriterOptions>, string]>([
    ['no samples', { samples: 0 }, 'GRADSIFT_ARGUMENT'],
    ['no layers', { layers: [] }, 'GRADSIFT_ARGUMENT'],
    ['the same name twice', { layers: [LAYERS[0]!, LAYERS[0]!] }, 'GRADSIFT_ARGUMENT'],
    ['an empty layer', { layers: [{ name: 'a', r: 0, d: 1 }] }, 'GRADSIFT_ARGUMENT'],
    ['another dtype', { dtype: 'F64' as 'F32' }, 'GRADSIFT_ARGUMENT'],
  ])('%s', async (_what, wrong, code) => {
    const path = join(folder, 'refused.safetensors');
    expect((await rejection(openGradientWriter(path, { ...OPTIONS, ...wrong }))).code).toBe(code);
  });

  test('batches that do not fit; the writer goes on after them', async () => {
    const path = join(folder, 'batches.safetensors');
    const writer = await openGradientWriter(path, { ...OPTIONS, dtype: 'F16' });
    const codeOf = async (batch: object) => (await rejection(writer.append(batch as never))).code;
    expect(await codeOf({ a: rowsOf(1, 2, 2, 3) })).toBe('GRADSIFT_DTYPE');
    expect(await codeOf({ ...batchOf(1, 2), c: new Float32Array(2) })).toBe('GRADSIFT_SHAPE');
    expect(await codeOf({ a: rowsOf(1, 2, 2, 3), b: rowsOf(1, 3, 1, 5) })).toBe('GRADSIFT_SHAPE');
    expect(await codeOf({ a: new Float32Array(5), b: rowsOf(1, 3, 1, 5) })).toBe('GRADSIFT_SHAPE');
    expect(await codeOf(batchOf(1, 7))).toBe('GRADSIFT_SHAPE');
    expect(await codeOf([])).toBe('GRADSIFT_SHAPE');
    expect(await codeOf({ ...batchOf(1, 2), b: new Float32Array(10).fill(1e5) })).toBe('GRADSIFT_NON_FINITE');
    expect((await rejection(writer.finish())).code).toBe('GRADSIFT_SHAPE');
    await writer.append(batchOf(1, 6));
    await writer.finish();
    expect((await valuesOf(path, 'b')).length).toBe(30);
  });

  test('a folder that is not there', async () => {
    const path = join(folder, 'none', 'x.safetensors');
    expect((await rejection(openGradientWriter(path, OPTIONS))).code).toBe('GRADSIFT_IO');
  });
});
