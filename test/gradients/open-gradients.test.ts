import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import type { GradientStore } from '../../lib/gradients/store.js';

const DATA = join(__dirname, '../data/digits-lora');

/** One layer read whole, from blocks of the given size. */
async function readLayer(store: GradientStore, name: string, blockSamples: number): Promise<number[]> {
  const layer = store.layers.find((candidate) => candidate.name === name);
  if (!layer) throw new Error(`no layer ${name}`);
  const values: number[] = [];
  for await (const { rows } of store.blocks(layer, { blockSamples })) {
    for (const value of rows) values.push(value);
  }
  return values;
}

test('reads digits-lora as its README describes it', async () => {
  const path = join(DATA, 'train.safetensors');
  const store = await openGradients(path);
  expect(store.samples).toBe(600);
  expect(store.layers.map(({ name, r, d }) => `${name} ${r}x${d}`)).toEqual([
    'layers.0.lora_A 4x64',
    'layers.0.lora_B 4x128',
    'layers.1.lora_A 4x128',
    'layers.1.lora_B 4x128',
    'layers.2.lora_A 4x128',
    'layers.2.lora_B 4x10',
  ]);
  const bytes = readFileSync(path);
  const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
  const expected = Array.from({ length: 600 * 4 * 64 }, (_, index) => bytes.readFloatLE(dataStart + 4 * index));
  expect(await readLayer(store, 'layers.0.lora_A', 600)).toEqual(expected);
  expect(await readLayer(store, 'layers.0.lora_A', 7)).toEqual(expected);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await store.inputs()).toEqual([{ path, sha256, bytes: bytes.length }]);
  await store.close();
});
