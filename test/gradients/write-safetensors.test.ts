import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '../../lib/gradients/read-safetensors.js';
import { writeSafetensors, type Tensor } from '../../lib/gradients/write-safetensors.js';
import { bytesOf, safetensorsBytes } from './safetensors-bytes.js';
import { rejection } from './rejection.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const path = join(folder, 'curvature.safetensors');

const tensors: Record<string, Tensor> = {
  bits: { dtype: 'BF16', shape: [3], data: Uint16Array.of(0x3f80, 0x7fc0, 1) },
  single: { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, -0, NaN, Infinity, 1e-45, 3) },
  double: { dtype: 'F64', shape: [1, 2, 1], data: Float64Array.of(Math.PI, 5e-324) },
  scalar: { dtype: 'F64', shape: [], data: Float64Array.of(7) },
  empty: { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
  ['__proto__']: { dtype: 'F16', shape: [1], data: Uint16Array.of(0x3c00) },
};

test('what is written is read back, bit for bit, with its metadata', async () => {
  const metadata = { kind: 'curvature', é: '"\n' };
  await writeSafetensors(path, tensors, metadata);
  const file = await readSafetensors(path);
  expect(Object.fromEntries(file.metadata)).toEqual(metadata);
  expect([...file.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const read = file.tensors.get(name);
    expect([read?.dtype, read?.shape]).toEqual([dtype, shape]);
    expect(Buffer.from(bytesOf(read?.data ?? data)).equals(bytesOf(data))).toBe(true);
  }
  expect(file.input).toMatchObject({ path, bytes: readFileSync(path).length });
});

test('data is aligned to 8 bytes, wider elements first, spaces after the header', async () => {
  await writeSafetensors(path, tensors);
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  expect(length % 8).toBe(0);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: number[] }>;
  for (const [name, width] of Object.entries({ bits: 2, single: 4, double: 8, scalar: 8 })) {
    expect((header[name]?.data_offsets[0] ?? NaN) % width).toBe(0);
  }
});

test('equals a file put together by hand', async () => {
  await writeSafetensors(path, { a: { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } }, { k: 'v' });
  const raw = { a: { dtype: 'F32', shape: [2], bytes: bytesOf(Float32Array.of(1, 2)) } };
  const bare = safetensorsBytes(raw, { metadata: { k: 'v' } });
  const pad = (8 - (Number(bare.readBigUInt64LE(0)) % 8)) % 8;
  expect(readFileSync(path).equals(safetensorsBytes(raw, { metadata: { k: 'v' }, pad }))).toBe(true);
});

test.each([
  ['a reserved name', { __metadata__: { dtype: 'F32', shape: [1], data: new Float32Array(1) } }, 'GRADSIFT_ARGUMENT'],
  ['an unknown dtype', { a: { dtype: 'I32', shape: [1], data: new Float32Array(1) } }, 'GRADSIFT_ARGUMENT'],
  ['data of another type', { a: { dtype: 'F64', shape: [1], data: new Float32Array(1) } }, 'GRADSIFT_DTYPE'],
  ['no data', { a: { dtype: 'F64', shape: [1], data: null } }, 'GRADSIFT_DTYPE'],
  ['too little data', { a: { dtype: 'F32', shape: [3], data: new Float32Array(2) } }, 'GRADSIFT_SHAPE'],
  ['negative lengths', { a: { dtype: 'F32', shape: [-1, -2], data: new Float32Array(2) } }, 'GRADSIFT_SHAPE'],
  ['a shape with NaN', { a: { dtype: 'F32', shape: [NaN], data: new Float32Array(2) } }, 'GRADSIFT_SHAPE'],
])('%s is refused before anything is written', async (_what, given, expected) => {
  const place = join(folder, 'untouched');
  mkdirSync(place, { recursive: true });
  const wrong = given as unknown as Record<string, Tensor>;
  expect((await rejection(writeSafetensors(join(place, 'x.safetensors'), wrong))).code).toBe(expected);
  expect(readdirSync(place)).toEqual([]);
});

test('metadata must be strings', async () => {
  const metadata = { n: 1 } as unknown as Record<string, string>;
  expect((await rejection(writeSafetensors(path, tensors, metadata))).code).toBe('GRADSIFT_ARGUMENT');
});

describe('a write that fails leaves the old file and nothing else', () => {
  const place = join(folder, 'kept');
  const target = join(place, 'curvature.safetensors');
  beforeEach(() => {
    mkdirSync(place, { recursive: true });
    writeFileSync(target, 'old');
  });
  const intact = () => {
    expect(readdirSync(place)).toEqual(['curvature.safetensors']);
    expect(readFileSync(target, 'utf8')).toBe('old');
  };

  test('an abort', async () => {
    const reason = new Error('enough');
    await expect(writeSafetensors(target, tensors, {}, AbortSignal.abort(reason))).rejects.toBe(reason);
    intact();
    const controller = new AbortController();
    const large: Tensor = { dtype: 'F64', shape: [4 << 20], data: new Float64Array(4 << 20) };
    setImmediate(() => controller.abort(reason));
    await expect(writeSafetensors(target, { large }, {}, controller.signal)).rejects.toBe(reason);
    intact();
  });

  test('a folder that is not there', async () => {
    const { code, message } = await rejection(writeSafetensors(join(place, 'none', 'x.safetensors'), tensors));
    expect(code).toBe('GRADSIFT_IO');
    expect(message).toContain(join(place, 'none', 'x.safetensors'));
    intact();
  });

  test('a folder in the place of the file', async () => {
    mkdirSync(join(place, 'taken.safetensors'));
    expect((await rejection(writeSafetensors(join(place, 'taken.safetensors'), tensors))).code).toBe('GRADSIFT_IO');
    expect(readdirSync(place).sort()).toEqual(['curvature.safetensors', 'taken.safetensors']);
  });

  afterAll(() => chmodSync(place, 0o755));
});

test('readSafetensors refuses what it cannot hold', async () => {
  writeFileSync(path, safetensorsBytes({ a: { dtype: 'I64', shape: [1], bytes: new Uint8Array(8) } }));
  const { code, message } = await rejection(readSafetensors(path));
  expect(code).toBe('GRADSIFT_DTYPE');
  expect(message).toContain('I64');
});
