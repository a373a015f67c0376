// Each store of test/data/digits-lora/hard gives what its README says, as far as reading goes; scoring them is tested
// in test/influence.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { layerBytes } from './read-layer.js';
import { rejection } from './rejection.js';

const DATA = join(__dirname, '../data/digits-lora');
const hard = (name: string) => join(DATA, 'hard', `${name}.safetensors`);

test('truncated: file, tensor, its range and the bytes present', async () => {
  const { code, message } = await rejection(openGradients(hard('truncated')));
  expect(code).toBe('GRADSIFT_FORMAT');
  for (const part of [hard('truncated'), 'layers.2.lora_B', '2048..2368', '2100']) expect(message).toContain(part);
});

test('overlap: file, both tensors and the shared range', async () => {
  const { code, message } = await rejection(openGradients(hard('overlap')));
  expect(code).toBe('GRADSIFT_FORMAT');
  for (const part of [hard('overlap'), 'layers.0.lora_A', 'layers.2.lora_B', '944..1024']) {
    expect(message).toContain(part);
  }
});

test('bad-header: file, claimed length and size', async () => {
  const { code, message } = await rejection(openGradients(hard('bad-header')));
  expect(code).toBe('GRADSIFT_FORMAT');
  for (const part of [hard('bad-header'), '1000000', '456']) expect(message).toContain(part);
});

test('nan: exactly one NaN, at [3, 2, 37] of layers.0.lora_A', async () => {
  const store = await openGradients(hard('nan'));
  const found: string[] = [];
  for (const layer of store.layers) {
    for await (const { start, rows } of store.blocks(layer, { blockSamples: 2 })) {
      for (const [index, value] of rows.entries()) {
        const element = start * layer.r * layer.d + index;
        const [sample, row] = [Math.floor(element / (layer.r * layer.d)), Math.floor(element / layer.d) % layer.r];
        if (Number.isNaN(value)) found.push(`${layer.name} ${sample},${row},${element % layer.d}`);
      }
    }
  }
  expect(found).toEqual(['layers.0.lora_A 3,2,37']);
  await store.close();
});

test('zero-layer: layers.0.lora_A loads, all zeros', async () => {
  const store = await openGradients(hard('zero-layer'));
  expect((await layerBytes(store, 'layers.0.lora_A')).every((byte) => byte === 0)).toBe(true);
  await store.close();
});

test('mismatched: loads by itself, with all six layers', async () => {
  const store = await openGradients(hard('mismatched'));
  expect(store.samples).toBe(1);
  expect(store.layers.map(({ name, r, d }) => `${name} ${r}x${d}`)).toEqual([
    'layers.0.lora_A 4x60',
    'layers.0.lora_B 4x128',
    'layers.1.lora_A 4x128',
    'layers.1.lora_B 4x128',
    'layers.2.lora_A 4x128',
    'layers.2.lora_B 4x10',
  ]);
  for (const { name, d } of store.layers) expect(await layerBytes(store, name)).toHaveLength(4 * d * 4);
  await store.close();
});

test.each(['bf16', 'f16'])('%s: widened, equals its float32 twin bit for bit', async (name) => {
  const [half, twin] = await Promise.all([openGradients(hard(name)), openGradients(hard(`${name}-as-f32`))]);
  expect(half.layers.map((layer) => layer.dtype)).toEqual([name.toUpperCase(), name.toUpperCase()]);
  expect(half.layers.map((layer) => layer.name)).toEqual(twin.layers.map((layer) => layer.name));
  for (const layer of half.layers) {
    const expected = await layerBytes(twin, layer.name);
    for (const blockSamples of [8, 3, 1]) {
      expect((await layerBytes(half, layer.name, blockSamples)).equals(expected)).toBe(true);
    }
  }
  await Promise.all([half.close(), twin.close()]);
});

test('unaligned: equals the first 8 samples of its tensor in train, bit for bit', async () => {
  const path = hard('unaligned');
  expect((8 + Number(readFileSync(path).readBigUInt64LE(0))) % 4).not.toBe(0);
  const [unaligned, train] = await Promise.all([openGradients(path), openGradients(join(DATA, 'train.safetensors'))]);
  const expected = (await layerBytes(train, 'layers.2.lora_B')).subarray(0, 8 * 4 * 10 * 4);
  for (const blockSamples of [8, 3, 1]) {
    expect((await layerBytes(unaligned, 'layers.2.lora_B', blockSamples)).equals(expected)).toBe(true);
  }
  await Promise.all([unaligned.close(), train.close()]);
});
