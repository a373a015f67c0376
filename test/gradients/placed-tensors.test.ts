import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { writeNpy } from '../../lib/gradients/write-npy.js';
import { bytesOf, safetensorsBytes } from './safetensors-bytes.js';
import { layerBytes } from './read-layer.js';
import { rejection } from './rejection.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const rows = (seed: number) => bytesOf(Float32Array.from({ length: 24 }, (_, index) => Math.sin(seed + index)));
const tensor = (seed: number) => ({ dtype: 'F32', shape: [3, 2, 4], bytes: rows(seed) });

const FIRST = 'grads-00001-of-00002.safetensors';
const SECOND = 'grads-00002-of-00002.safetensors';
const MAP = { a: FIRST, b: FIRST, c: SECOND };

let count = 0;
/** A folder with two shards and this index; the path of the index. */
function sharded(index: unknown, second = { c: tensor(3) }): string {
  const place = join(folder, `sharded-${count++}`);
  mkdirSync(join(place, 'deeper'), { recursive: true });
  writeFileSync(join(place, FIRST), safetensorsBytes({ a: tensor(1), b: tensor(2) }));
  writeFileSync(join(place, SECOND), safetensorsBytes(second));
  writeFileSync(join(place, 'deeper', SECOND), safetensorsBytes(second));
  writeFileSync(join(folder, `outside-${count}.safetensors`), safetensorsBytes(second));
  const path = join(place, 'grads.safetensors.index.json');
  writeFileSync(path, typeof index === 'string' ? index : JSON.stringify(index));
  return path;
}

describe('an index of shards', () => {
  test.each([
    ['beside it', MAP],
    ['in a folder within', { ...MAP, c: `deeper/${SECOND}` }],
  ])('shards %s', async (_where, weight_map) => {
    const path = sharded({ metadata: { total_size: 288, more: [{ nested: {} }] }, weight_map });
    for (const source of [path, ...(weight_map === MAP ? [join(path, '..')] : [])]) {
      const store = await openGradients(source);
      expect(store.source).toBe(source);
      expect(store.layers.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c']);
      for (const [seed, name] of ['a', 'b', 'c'].entries()) {
        expect((await layerBytes(store, name, 2)).equals(rows(seed + 1))).toBe(true);
      }
      const inputs = await store.inputs();
      expect(inputs).toHaveLength(3);
      for (const { path: file, sha256, bytes } of inputs) {
        const content = readFileSync(file);
        expect([sha256, bytes]).toEqual([createHash('sha256').update(content).digest('hex'), content.length]);
      }
      await store.close();
    }
  });

  test.each([
    ['not JSON', '{'],
    ['a list', '[]'],
    ['no weight_map', '{}'],
    ['a weight_map that is a list', '{"weight_map":[]}'],
    ['a tensor twice', `{"weight_map":{"a":"${FIRST}","a":"${FIRST}"}}`],
    ['deep nesting', `{"metadata":${'['.repeat(40)}${']'.repeat(40)},"weight_map":{}}`],
    ['no tensors', '{"weight_map":{}}'],
    ['a number for a shard', { weight_map: { ...MAP, c: 2 } }],
    ['a tensor the shard does not hold', { weight_map: { ...MAP, d: SECOND } }],
    ['a tensor the index does not know', { weight_map: { a: FIRST, c: SECOND } }],
    ['a tensor in the wrong shard', { weight_map: { ...MAP, b: SECOND } }],
    ['another kind of file', { weight_map: { ...MAP, c: 'grads.safetensors.index.json' } }],
    ['a shard outside', { weight_map: { ...MAP, c: '../outside-1.safetensors' } }],
    ['a shard outside, in disguise', { weight_map: { ...MAP, c: 'deeper/../../outside-1.safetensors' } }],
    ['an absolute path', { weight_map: { ...MAP, c: join(folder, 'outside-1.safetensors') } }],
    ['a path of Windows', { weight_map: { ...MAP, c: '..\\outside-1.safetensors' } }],
    ['a zero byte', { weight_map: { ...MAP, c: `${SECOND}\0.safetensors` } }],
  ])('%s is refused', async (_what, index) => {
    const path = sharded(index);
    const { code, message } = await rejection(openGradients(path));
    expect(code).toBe('GRADSIFT_FORMAT');
    expect(message).toContain(path);
  });

  test('a missing shard is GRADSIFT_IO, a broken one names itself', async () => {
    const missing = sharded({ weight_map: { ...MAP, c: 'none.safetensors' } });
    const io = await rejection(openGradients(missing));
    expect(io.code).toBe('GRADSIFT_IO');
    expect(io.message).toContain('none.safetensors');
    const broken = sharded({ weight_map: MAP });
    writeFileSync(join(broken, '..', SECOND), 'short');
    const format = await rejection(openGradients(broken));
    expect(format.code).toBe('GRADSIFT_FORMAT');
    expect(format.message).toContain(SECOND);
  });

  test('shards must agree on the number of samples', async () => {
    const path = sharded({ weight_map: MAP }, { c: { dtype: 'F32', shape: [2, 3, 4], bytes: rows(3) } });
    const { code, message } = await rejection(openGradients(path));
    expect(code).toBe('GRADSIFT_SHAPE');
    for (const part of ['"a" has 3', '"c" has 2']) expect(message).toContain(part);
  });
});

describe('a folder', () => {
  test('of .npy files: one a layer', async () => {
    const place = join(folder, 'arrays');
    mkdirSync(place);
    await writeNpy(join(place, 'layers.1.npy'), Float32Array.of(1, 2, 3, 4), [2, 2]);
    await writeNpy(join(place, 'layers.0.npy'), Float64Array.of(5, 6), [2, 1, 1]);
    writeFileSync(join(place, 'notes.txt'), 'not a layer');
    const store = await openGradients(place);
    expect(store.layers.map(({ name, dtype }) => `${name} ${dtype}`)).toEqual(['layers.0 F64', 'layers.1 F32']);
    expect((await layerBytes(store, 'layers.1')).equals(bytesOf(Float32Array.of(1, 2, 3, 4)))).toBe(true);
    expect(await store.inputs()).toHaveLength(2);
    await store.close();
  });

  test('of one .safetensors file', async () => {
    const place = join(folder, 'one');
    mkdirSync(place);
    writeFileSync(join(place, 'train.safetensors'), safetensorsBytes({ a: tensor(1) }));
    const store = await openGradients(place);
    expect(store.layers.map(({ name }) => name)).toEqual(['a']);
    await store.close();
  });

  test('that could mean several stores, or none, is refused', async () => {
    const place = join(folder, 'several');
    mkdirSync(place);
    const none = await rejection(openGradients(place));
    expect(none.code).toBe('GRADSIFT_ARGUMENT');
    expect(none.message).toContain(place);
    writeFileSync(join(place, 'train.safetensors'), safetensorsBytes({ a: tensor(1) }));
    writeFileSync(join(place, 'val.safetensors'), safetensorsBytes({ a: tensor(1) }));
    const two = await rejection(openGradients(place));
    expect(two.code).toBe('GRADSIFT_ARGUMENT');
    expect(two.message).toContain('"train.safetensors", "val.safetensors"');
  });
});
