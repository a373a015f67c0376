import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { bytesOf, safetensorsBytes, withHeader } from './safetensors-bytes.js';
import { layerBytes } from './read-layer.js';
import { rejection, type Rejection } from './rejection.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const path = join(folder, 'store.safetensors');

/** What opening a file of these bytes is refused with; every refusal names the file. */
async function refused(bytes: Uint8Array): Promise<Rejection> {
  writeFileSync(path, bytes);
  const error = await rejection(openGradients(path));
  expect(error.message).toContain(path);
  return error;
}

const entry = (begin: number, end: number, shape = [1, 2], dtype = 'F32') =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
const DATA8 = Buffer.alloc(8);

describe('the length field', () => {
  test.each([0, 1, 7])('a file of %p bytes has none', async (size) => {
    const { code, message } = await refused(Buffer.alloc(size));
    expect(code).toBe('GRADSIFT_FORMAT');
    expect(message).toContain(`has ${size}`);
  });

  test.each([1n, 9n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n])('%p in a file of 8', async (claimed) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(claimed);
    const before = process.memoryUsage().arrayBuffers;
    const { code, message } = await refused(bytes);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    expect(code).toBe('GRADSIFT_FORMAT');
    expect(message).toContain(`says ${claimed} bytes`);
  });

  test('beyond the limit of the format, though the file is large enough', async () => {
    const large = join(folder, 'large.safetensors');
    const file = openSync(large, 'w');
    const field = Buffer.alloc(8);
    field.writeBigUInt64LE(100_000_001n);
    writeSync(file, field);
    ftruncateSync(file, 200_000_000); // sparse
    closeSync(file);
    const before = process.memoryUsage().arrayBuffers;
    const { code, message } = await rejection(openGradients(large));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    expect(code).toBe('GRADSIFT_FORMAT');
    expect(message).toContain('100000001');
  });
});

describe('the header', () => {
  test.each([
    ['nothing', ''],
    ['not JSON', '{'],
    ['an array', '[]'],
    ['a space first', ` {"a":${entry(0, 8)}}`],
    ['a string left open', '{"a'],
    ['a tensor given twice', `{"a":${entry(0, 8)},"a":${entry(0, 8)}}`],
    ['twice under two spellings', `{"a":${entry(0, 8)},"\\u0061":${entry(0, 8)}}`],
    ['a field given twice', '{"a":{"dtype":"F32","dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'],
    ['metadata twice', `{"__metadata__":{},"a":${entry(0, 8)},"__metadata__":{}}`],
    ['deep nesting', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
    ['metadata of numbers', `{"__metadata__":{"n":1},"a":${entry(0, 8)}}`],
    ['metadata that is a list', `{"__metadata__":[],"a":${entry(0, 8)}}`],
    ['an entry that is no object', '{"a":[1,2]}'],
    ['an entry that is null', '{"a":null}'],
    ['no dtype', '{"a":{"shape":[1,2],"data_offsets":[0,8]}}'],
    ['no shape', '{"a":{"dtype":"F32","data_offsets":[0,8]}}'],
    ['no offsets', '{"a":{"dtype":"F32","shape":[1,2]}}'],
    ['an unknown dtype', `{"a":${entry(0, 8, [1, 2], 'F33')}}`],
    ['a dtype of the wrong case', `{"a":${entry(0, 8, [1, 2], 'f32')}}`],
    ['a dtype from Object.prototype', `{"a":${entry(0, 8, [1, 2], 'constructor')}}`],
    ['a negative length', `{"a":${entry(0, 8, [-1, -2])}}`],
    ['a fraction', '{"a":{"dtype":"F32","shape":[1,2.5],"data_offsets":[0,8]}}'],
    ['a length as text', '{"a":{"dtype":"F32","shape":[1,"2"],"data_offsets":[0,8]}}'],
    ['a length beyond 2^53', '{"a":{"dtype":"F32","shape":[1,9007199254740993],"data_offsets":[0,8]}}'],
    ['lengths whose product is too large', `{"a":${entry(0, 8, [2 ** 30, 2 ** 30, 2 ** 30])}}`],
    ['lengths whose product wraps to 2 in 64 bits', `{"a":${entry(0, 8, [2 ** 32 + 1, 2 ** 32 - 1, 2])}}`],
    ['an overflow beside a zero', '{"a":{"dtype":"F32","shape":[0,1e200,1e200],"data_offsets":[0,0]}}'],
    ['three offsets', '{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8,8]}}'],
    ['offsets in reverse', '{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[8,0]}}'],
    ['a negative offset', '{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[-8,0]}}'],
    ['a negative zero', '{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[-0,8]}}'],
    ['fewer bytes than the shape needs', `{"a":${entry(0, 4)}}`],
    ['more bytes than the shape needs', `{"a":${entry(0, 8, [1, 1])}}`],
    ['a range past the end', `{"a":${entry(0, 8)},"b":${entry(8, 16)}}`],
    ['a gap at the start', `{"a":${entry(4, 8, [1, 1])}}`],
    ['a gap in the middle', `{"a":${entry(0, 2, [1, 1], 'F16')},"b":${entry(4, 8, [1, 1])}}`],
    ['bytes behind the last', `{"a":${entry(0, 4, [1, 1])}}`],
    ['two tensors in one place', `{"a":${entry(0, 8)},"b":${entry(0, 8)}}`],
    ['one tensor inside another', `{"a":${entry(0, 8)},"b":${entry(4, 8, [1, 1])}}`],
    ['no tensors', '{}'],
  ])('%s is refused', async (what, header) => {
    const { code, message } = await refused(withHeader(header, what === 'no tensors' ? Buffer.alloc(0) : DATA8));
    expect(code).toBe('GRADSIFT_FORMAT');
    expect(message.length).toBeLessThan(600);
  });

  test('bytes that are not UTF-8 are refused', async () => {
    const bytes = withHeader(`{"a":${entry(0, 8)}}`, DATA8);
    bytes[10] = 0xff;
    expect((await refused(bytes)).code).toBe('GRADSIFT_FORMAT');
  });

  test('messages name the tensor and its bytes', async () => {
    const { message } = await refused(withHeader(`{"fine":${entry(0, 8)},"far":${entry(8, 16)}}`, DATA8));
    for (const part of ['"far"', '8..16', 'has 8 bytes']) expect(message).toContain(part);
    const gap = await refused(withHeader(`{"late":${entry(4, 8, [1, 1])}}`, DATA8));
    for (const part of ['"late"', '0..4']) expect(gap.message).toContain(part);
  });
});

describe('layers', () => {
  const rows = bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6));
  const open = async (tensors: Parameters<typeof safetensorsBytes>[0], exclude?: string) => {
    writeFileSync(path, safetensorsBytes(tensors, { metadata: { n: '2' } }));
    return openGradients(path, { exclude });
  };

  test('[n, d] is r = 1; spaces after the header, escaped and odd names are allowed', async () => {
    const names = ['a b', '__proto__', 'é"\\\n', '10', '9'];
    const tensors = Object.fromEntries(names.map((name) => [name, { dtype: 'F32', shape: [2, 3], bytes: rows }]));
    for (const pad of [0, 1, 2, 3, 4]) {
      writeFileSync(path, safetensorsBytes(tensors, { pad }));
      const store = await openGradients(path);
      expect(store.layers.map(({ name }) => name).sort()).toEqual([...names].sort());
      for (const { name, samples, r, d } of store.layers) {
        expect([samples, r, d]).toEqual([2, 1, 3]);
        expect((await layerBytes(store, name, 1)).equals(rows)).toBe(true);
      }
      await store.close();
    }
  });

  test('come in the order of their bytes, not of their names', async () => {
    const store = await open({
      z: { dtype: 'F32', shape: [2, 3], bytes: rows },
      a: { dtype: 'F64', shape: [2, 1, 1], bytes: new Uint8Array(16) },
      '1': { dtype: 'F32', shape: [2, 1, 3], bytes: rows },
    });
    // JSON.stringify moves '1' to the front of the header, and its bytes with it.
    expect(store.layers.map(({ name }) => name)).toEqual(['1', 'z', 'a']);
    await store.close();
  });

  test.each([
    ['rank 0', 'F32', [], 4, 'GRADSIFT_SHAPE'],
    ['rank 1', 'F32', [2], 8, 'GRADSIFT_SHAPE'],
    ['rank 4', 'F32', [2, 1, 1, 1], 8, 'GRADSIFT_SHAPE'],
    ['no samples', 'F32', [0, 3], 0, 'GRADSIFT_SHAPE'],
    ['no columns', 'F32', [2, 2, 0], 0, 'GRADSIFT_SHAPE'],
    ['I32', 'I32', [2, 3], 24, 'GRADSIFT_DTYPE'],
    ['BOOL', 'BOOL', [2, 3], 6, 'GRADSIFT_DTYPE'],
    ['F8_E4M3', 'F8_E4M3', [2, 3], 6, 'GRADSIFT_DTYPE'],
    ['F4', 'F4', [2, 3], 3, 'GRADSIFT_DTYPE'],
  ])('%s is refused by name, or left out by a glob', async (_what, dtype, shape, size, expected) => {
    const tensors = {
      fine: { dtype: 'F32', shape: [2, 3], bytes: rows },
      odd: { dtype, shape, bytes: new Uint8Array(size) },
    };
    const { code, message } = await rejection(open(tensors));
    expect(code).toBe(expected);
    for (const part of [path, '"odd"', dtype === 'F32' ? `[${shape.join(', ')}]` : dtype, 'exclude']) {
      expect(message).toContain(part);
    }
    const store = await open(tensors, 'odd');
    expect(store.layers.map(({ name }) => name)).toEqual(['fine']);
    await store.close();
  });

  test('must agree on the number of samples', async () => {
    const tensors = {
      three: { dtype: 'F32', shape: [3, 2], bytes: rows },
      two: { dtype: 'F32', shape: [2, 3], bytes: rows },
    };
    const { code, message } = await rejection(open(tensors));
    expect(code).toBe('GRADSIFT_SHAPE');
    for (const part of [path, '"three" has 3', '"two" has 2']) expect(message).toContain(part);
    await (await open(tensors, 'two')).close();
  });
});
