import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { layerBytes } from './read-layer.js';
import { rejection } from './rejection.js';

const DATA = join(__dirname, '../data/digits-lora');
const TRAIN = join(DATA, 'train.safetensors');
const LAYERS = [
  'layers.0.lora_A 600x4x64',
  'layers.0.lora_B 600x4x128',
  'layers.1.lora_A 600x4x128',
  'layers.1.lora_B 600x4x128',
  'layers.2.lora_A 600x4x128',
  'layers.2.lora_B 600x4x10',
];

async function layersOf(options: { layers?: string | string[]; exclude?: string | string[] }): Promise<string[]> {
  const store = await openGradients(TRAIN, options);
  await store.close();
  return store.layers.map(({ name, samples, r, d }) => `${name} ${samples}x${r}x${d}`);
}

test('reads digits-lora as its README describes it, for any block size', async () => {
  const bytes = readFileSync(TRAIN);
  let at = 8 + Number(bytes.readBigUInt64LE(0));
  const store = await openGradients(TRAIN);
  expect(store.source).toBe(TRAIN);
  expect(store.samples).toBe(600);
  expect(store.layers.map(({ name, samples, r, d }) => `${name} ${samples}x${r}x${d}`)).toEqual(LAYERS);
  for (const { name, r, d, dtype } of store.layers) {
    expect(dtype).toBe('F32');
    const expected = bytes.subarray(at, (at += 600 * r * d * 4));
    for (const blockSamples of [600, 601, 299, 64, 7]) {
      expect((await layerBytes(store, name, blockSamples)).equals(expected)).toBe(true);
    }
  }
  expect(at).toBe(bytes.length);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(await store.inputs()).toEqual([{ path: TRAIN, sha256, bytes: bytes.length }]);
  await store.close();
  await store.close();
});

test('hash: false leaves the SHA-256 out, and changes nothing else', async () => {
  const store = await openGradients(TRAIN, { hash: false });
  const [first] = store.layers;
  const hashed = await openGradients(TRAIN);
  expect((await layerBytes(store, first!.name, 64)).equals(await layerBytes(hashed, first!.name, 64))).toBe(true);
  expect(await store.inputs()).toEqual([{ path: TRAIN, sha256: null, bytes: readFileSync(TRAIN).length }]);
  await Promise.all([store.close(), hashed.close()]);
  const wrong = await rejection(openGradients(TRAIN, { hash: 1 as unknown as boolean }));
  expect(wrong.code).toBe('GRADSIFT_ARGUMENT');
  expect(wrong.message).toContain('options.hash');
});

test('globs choose layers', async () => {
  expect(await layersOf({})).toEqual(LAYERS);
  expect(await layersOf({ layers: '*.lora_A' })).toEqual([LAYERS[0], LAYERS[2], LAYERS[4]]);
  expect(await layersOf({ layers: ['layers.0.*', 'layers.2.lora_B'] })).toEqual([LAYERS[0], LAYERS[1], LAYERS[5]]);
  expect(await layersOf({ exclude: 'layers.[12]*' })).toEqual([LAYERS[0], LAYERS[1]]);
  expect(await layersOf({ layers: '*_A', exclude: ['*.0.*', 'nothing'] })).toEqual([LAYERS[2], LAYERS[4]]);
});

test('globs that leave nothing, or match nothing, are mistakes', async () => {
  const none = await rejection(layersOf({ exclude: '*' }));
  expect(none.code).toBe('GRADSIFT_ARGUMENT');
  expect(none.message).toContain(TRAIN);
  const unknown = await rejection(layersOf({ layers: ['*_A', '*_C'] }));
  expect(unknown.code).toBe('GRADSIFT_ARGUMENT');
  expect(unknown.message).toContain('"*_C"');
  expect(unknown.message).toContain('"layers.0.lora_A"');
  for (const glob of ['', [], [''], 5, null] as unknown as string[]) {
    if (Array.isArray(glob) && glob.length === 0) continue;
    expect((await rejection(layersOf({ layers: glob }))).code).toBe('GRADSIFT_ARGUMENT');
  }
});

test.each([undefined, null, '', 5, NaN, [], 'gradients', __filename])('refuses the source %p', async (source) => {
  expect((await rejection(openGradients(source as unknown as string))).code).toMatch(/^GRADSIFT_(ARGUMENT|IO)$/);
});

test('what the file system refuses is GRADSIFT_IO, with the path', async () => {
  const missing = join(DATA, 'missing.safetensors');
  const { code, message } = await rejection(openGradients(missing));
  expect(code).toBe('GRADSIFT_IO');
  expect(message).toContain(missing);
  expect(message).toContain('ENOENT');
});

test('wrong layers and block sizes are refused, and a closed store', async () => {
  const train = await openGradients(TRAIN);
  const val = await openGradients(join(DATA, 'val.safetensors'));
  const [layer] = train.layers;
  if (!layer) throw new Error('no layers');
  const code = (call: () => unknown) => rejection(Promise.resolve().then(call)).then((error) => error.code);
  for (const blockSamples of [0, -1, 1.5, NaN, Infinity, '7', null] as number[]) {
    expect(await code(() => train.blocks(layer, { blockSamples }))).toBe('GRADSIFT_ARGUMENT');
    expect(await code(() => train.blockBytes(layer, blockSamples))).toBe('GRADSIFT_ARGUMENT');
  }
  expect(await code(() => val.blocks(layer, { blockSamples: 1 }))).toBe('GRADSIFT_ARGUMENT');
  await Promise.all([train.close(), val.close()]);
  expect(await code(() => train.blocks(layer, { blockSamples: 1 }))).toBe('GRADSIFT_IO');
  expect(await code(() => train.inputs())).toBe('GRADSIFT_IO');
});

test('blockBytes counts two raw blocks, or one when it holds the whole layer', async () => {
  const store = await openGradients(TRAIN);
  const [layer] = store.layers;
  if (!layer) throw new Error('no layers');
  expect(store.blockBytes(layer, 600)).toBe(600 * 4 * 64 * 4);
  expect(store.blockBytes(layer, 10_000)).toBe(600 * 4 * 64 * 4);
  expect(store.blockBytes(layer, 100)).toBe(2 * 100 * 4 * 64 * 4);
  await store.close();
});
