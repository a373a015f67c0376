import { openGradients } from '../../lib/gradients/open-gradients.js';
import type { MemoryGradients } from '../../lib/gradients/memory-store.js';
import { bytesOf } from './safetensors-bytes.js';
import { layerBytes, layerNamed } from './read-layer.js';
import { rejection } from './rejection.js';

const six = Float32Array.of(1, 2, 3, 4, 5, 6);

test('gives the arrays themselves, in blocks', async () => {
  const wide = Float64Array.of(1, 2, 3);
  const store = await openGradients({
    layers: { a: { rows: six, shape: [3, 2, 1] }, b: { rows: wide, shape: [3, 1] } },
  });
  expect(store.source).toBe('memory');
  expect(store.samples).toBe(3);
  expect(store.layers).toEqual([
    { name: 'a', samples: 3, r: 2, d: 1, dtype: 'F32' },
    { name: 'b', samples: 3, r: 1, d: 1, dtype: 'F64' },
  ]);
  const starts = [];
  for await (const { start, samples, rows } of store.blocks(layerNamed(store, 'a'), { blockSamples: 2 })) {
    starts.push([start, samples, rows.length]);
    expect(rows.buffer).toBe(six.buffer);
  }
  expect(starts).toEqual([
    [0, 2, 4],
    [2, 1, 2],
  ]);
  expect((await layerBytes(store, 'b', 2)).equals(bytesOf(wide))).toBe(true);
  expect(store.blockBytes(layerNamed(store, 'a'), 2)).toBe(0);
  expect(await store.inputs()).toEqual([{ path: 'memory', sha256: null, bytes: 48 }]);
  await store.close();
});

test('half precision by its bits, with a dtype', async () => {
  const bits = Uint16Array.of(0x3f80, 0xc000, 0x0001);
  const layers = { a: { rows: bits, dtype: 'BF16', shape: [3, 1] } } as const;
  const store = await openGradients({ layers }, { source: 'mine' });
  // A bfloat16 is the upper half of a float32.
  const expected = bytesOf(new Float32Array(Uint32Array.from(bits, (bit) => bit * 65536).buffer));
  for (const blockSamples of [1, 2, 3]) {
    expect((await layerBytes(store, 'a', blockSamples)).equals(expected)).toBe(true);
  }
  expect(store.blockBytes(layerNamed(store, 'a'), 2)).toBe(8);
  expect(await store.inputs()).toEqual([{ path: 'mine', sha256: null, bytes: 6 }]);
});

test('globs choose layers', async () => {
  const layer = { rows: six, shape: [3, 2] };
  const store = await openGradients({ layers: { 'a.x': layer, 'b.x': layer, 'b.y': layer } }, { layers: 'b.*' });
  expect(store.layers.map(({ name }) => name)).toEqual(['b.x', 'b.y']);
});

const DETACHED = new Float32Array(6);
structuredClone(DETACHED.buffer, { transfer: [DETACHED.buffer] });

test.each([
  ['no layers', {}, 'GRADSIFT_ARGUMENT'],
  ['layers that are null', { layers: null }, 'GRADSIFT_ARGUMENT'],
  ['an empty set of layers', { layers: {} }, 'GRADSIFT_FORMAT'],
  ['a layer that is null', { layers: { a: null } }, 'GRADSIFT_DTYPE'],
  ['a plain array', { layers: { a: { rows: [1, 2], shape: [2, 1] } } }, 'GRADSIFT_DTYPE'],
  ['integers', { layers: { a: { rows: new Int32Array(2), shape: [2, 1] } } }, 'GRADSIFT_DTYPE'],
  ['a DataView', { layers: { a: { rows: new DataView(new ArrayBuffer(8)), shape: [2, 1] } } }, 'GRADSIFT_DTYPE'],
  ['bits of no type', { layers: { a: { rows: new Uint16Array(2), shape: [2, 1] } } }, 'GRADSIFT_DTYPE'],
  ['bits as F32', { layers: { a: { rows: new Uint16Array(2), shape: [2, 1], dtype: 'F32' } } }, 'GRADSIFT_DTYPE'],
  ['numbers as BF16', { layers: { a: { rows: six, shape: [3, 2], dtype: 'BF16' } } }, 'GRADSIFT_DTYPE'],
  ['no shape', { layers: { a: { rows: six } } }, 'GRADSIFT_SHAPE'],
  ['a shape of text', { layers: { a: { rows: six, shape: ['3', '2'] } } }, 'GRADSIFT_SHAPE'],
  ['a shape with NaN', { layers: { a: { rows: six, shape: [NaN, 2] } } }, 'GRADSIFT_SHAPE'],
  ['rank 1', { layers: { a: { rows: six, shape: [6] } } }, 'GRADSIFT_SHAPE'],
  ['negative lengths', { layers: { a: { rows: six, shape: [-3, -2] } } }, 'GRADSIFT_SHAPE'],
  ['a shape too large', { layers: { a: { rows: six, shape: [3, 3] } } }, 'GRADSIFT_SHAPE'],
  ['a shape too small', { layers: { a: { rows: six, shape: [3, 1] } } }, 'GRADSIFT_SHAPE'],
  ['a detached array', { layers: { a: { rows: DETACHED, shape: [3, 2] } } }, 'GRADSIFT_SHAPE'],
  [
    'layers that disagree',
    { layers: { a: { rows: six, shape: [3, 2] }, b: { rows: six, shape: [2, 3] } } },
    'GRADSIFT_SHAPE',
  ],
])('refuses %s', async (_what, given, expected) => {
  const { code, message } = await rejection(openGradients(given as unknown as MemoryGradients, { source: 'mine' }));
  expect(code).toBe(expected);
  expect(message).toContain('mine');
});
