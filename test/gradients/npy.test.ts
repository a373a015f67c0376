import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { writeNpy } from '../../lib/gradients/write-npy.js';
import { bytesOf } from './safetensors-bytes.js';
import { layerBytes } from './read-layer.js';
import { rejection } from './rejection.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const path = join(folder, 'lora_A.npy');
const values = Float32Array.of(1.5, -2, 3.25, NaN, -0, 1e-45);

interface Parts {
  readonly version?: readonly [number, number];
  /** Length field, where it lies. */
  readonly claimed?: number;
}

/** A file with this dict, padded so that data starts at a multiple of 64, as NumPy writes it. */
function npy(dict: string, data: Uint8Array, { version = [1, 0], claimed }: Parts = {}): Buffer {
  const start = version[0] === 1 ? 10 : 12;
  const text = Buffer.from(dict + ' '.repeat(64 - ((start + Buffer.byteLength(dict) + 1) % 64)) + '\n');
  const head = Buffer.alloc(start);
  head.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, ...version]);
  if (version[0] === 1) head.writeUInt16LE(claimed ?? text.length, 8);
  else head.writeUInt32LE(claimed ?? text.length, 8);
  return Buffer.concat([head, text, data]);
}

const dict = (shape: string, descr = "'<f4'", order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

async function refused(bytes: Uint8Array): Promise<{ code: string; message: string }> {
  writeFileSync(path, bytes);
  const error = await rejection(openGradients(path));
  expect(error.message).toContain(path);
  return error;
}

test.each([1, 2, 3] as const)('version %p', async (major) => {
  writeFileSync(path, npy(dict('(3, 1, 2)'), bytesOf(values), { version: [major, 0] }));
  const store = await openGradients(path);
  expect(store.layers).toEqual([{ name: 'lora_A', samples: 3, r: 1, d: 2, dtype: 'F32' }]);
  for (const blockSamples of [1, 2, 3]) {
    expect((await layerBytes(store, 'lora_A', blockSamples)).equals(bytesOf(values))).toBe(true);
  }
  const [input] = await store.inputs();
  expect(input?.bytes).toBe(readFileSync(path).length);
  await store.close();
});

test.each([
  ['[n, d]', "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"],
  ['keys in another order, double quotes, no last comma', '{"shape": (3, 2), "fortran_order": False, "descr": "<f4"}'],
  ['longs of Python 2', "{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 2L), }"],
  ['no spaces', "{'descr':'<f4','fortran_order':False,'shape':(3,2)}"],
])('reads %s', async (_what, header) => {
  writeFileSync(path, npy(header, bytesOf(values)));
  const store = await openGradients(path);
  expect(store.layers).toMatchObject([{ samples: 3, r: 1, d: 2 }]);
  await store.close();
});

test('float64 and float16 by their descr', async () => {
  writeFileSync(path, npy(dict('(3, 2)', "'<f8'"), new Uint8Array(48)));
  const wide = await openGradients(path);
  expect(wide.layers[0]?.dtype).toBe('F64');
  await wide.close();
  writeFileSync(path, npy(dict('(3, 2)', "'<f2'"), new Uint8Array(12)));
  const half = await openGradients(path);
  expect(half.layers[0]?.dtype).toBe('F16');
  await half.close();
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['another magic', Buffer.from('PK\x03\x04'.repeat(20))],
  ['version 4.0', npy(dict('(3, 2)'), bytesOf(values), { version: [4, 0] })],
  ['version 1.1', npy(dict('(3, 2)'), bytesOf(values), { version: [1, 1] })],
  ['a header longer than the file', npy(dict('(3, 2)'), bytesOf(values), { claimed: 60_000 })],
  ['a header of 4 GiB', npy(dict('(3, 2)'), bytesOf(values), { version: [2, 0], claimed: 2 ** 32 - 1 })],
  ['a header beyond the limit', npy(dict('(3, 2)') + ' '.repeat(10_000), bytesOf(values))],
  ['a cut length field', npy(dict('(3, 2)'), bytesOf(values), { version: [2, 0] }).subarray(0, 11)],
  ['too few numbers', npy(dict('(3, 2)'), bytesOf(values).subarray(0, 20))],
  ['too many numbers', npy(dict('(2, 2)'), bytesOf(values))],
  ['no dict', npy("['descr']", bytesOf(values))],
  ['code', npy(dict("__import__('os')"), bytesOf(values))],
  ['arithmetic', npy(dict('(3, 1+1)'), bytesOf(values))],
  ['a key twice', npy("{'shape': (3, 2), 'descr': '<f4', 'descr': '<f4', 'fortran_order': False}", bytesOf(values))],
  ['a key too many', npy("{'shape': (3, 2), 'descr': '<f4', 'extra': '', 'fortran_order': False}", bytesOf(values))],
  ['a key missing', npy("{'shape': (3, 2), 'descr': '<f4'}", bytesOf(values))],
  ['no comma between', npy("{'shape': (3, 2) 'descr': '<f4', 'fortran_order': False}", bytesOf(values))],
  ['an integer for a tuple', npy(dict('(6)'), bytesOf(values))],
  ['a hole in a tuple', npy(dict('(3,,2)'), bytesOf(values))],
  ['a negative length', npy(dict('(-3, -2)'), bytesOf(values))],
  ['a length beyond 2^53', npy(dict('(9007199254740993, 0)'), bytesOf(values))],
  ['a product beyond 2^53', npy(dict('(4294967297, 4294967295, 2)'), bytesOf(values))],
  ['Fortran order', npy(dict('(3, 2)', "'<f4'", 'True'), bytesOf(values))],
  ['an order that is no boolean', npy(dict('(3, 2)', "'<f4'", '0'), bytesOf(values))],
  ['a structured type', npy(dict('(3,)', "[('a', '<f4'), ('b', '<f4')]"), bytesOf(values))],
])('refuses %s', async (_what, bytes) => {
  expect((await refused(bytes)).code).toBe('GRADSIFT_FORMAT');
});

test.each(['>f4', '<i4', '|b1', '|V2', '<c8', '|O', 'constructor'])('refuses the type %p by name', async (descr) => {
  const { code, message } = await refused(npy(dict('(3, 2)', `'${descr}'`), bytesOf(values)));
  expect(code).toBe('GRADSIFT_DTYPE');
  expect(message).toContain(`"${descr}"`);
});

test.each(['()', '(6,)', '(3, 2, 1, 1)', '(0, 2)'])('refuses the shape %p', async (shape) => {
  const size = shape === '()' ? 4 : shape === '(0, 2)' ? 0 : 24;
  const { code, message } = await refused(npy(dict(shape), new Uint8Array(size)));
  expect(code).toBe('GRADSIFT_SHAPE');
  expect(message).toContain('lora_A');
});

describe('writeNpy', () => {
  test.each([
    [[6], '(6,)'],
    [[3, 2], '(3, 2)'],
    [[1, 3, 2], '(1, 3, 2)'],
  ])('%p as NumPy writes it', async (shape, tuple) => {
    const file = join(folder, 'scores.npy');
    await writeNpy(file, values, shape);
    const bytes = readFileSync(file);
    expect(bytes.equals(npy(dict(tuple), bytesOf(values)))).toBe(true);
    expect((bytes.length - values.byteLength) % 64).toBe(0);
  });

  test('float64, and back again', async () => {
    const file = join(folder, 'wide.npy');
    const wide = Float64Array.from({ length: 1000 }, (_, index) => Math.exp(index / 10));
    await writeNpy(file, wide, [10, 100]);
    const store = await openGradients(file);
    expect((await layerBytes(store, 'wide', 3)).equals(bytesOf(wide))).toBe(true);
    await store.close();
  });

  test('refuses data that do not fill the shape', async () => {
    const file = join(folder, 'never.npy');
    for (const shape of [[5], [NaN], [2, 2], [-1, -6], [1.5, 4], []]) {
      expect((await rejection(writeNpy(file, values, shape))).code).toBe('GRADSIFT_SHAPE');
    }
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });
});
