import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blockBufferPool } from '../../lib/gradients/block-buffers.js';
import { readColumns } from '../../lib/gradients/file-columns.js';
import type { InputFile } from '../../lib/gradients/input-file.js';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import type { ColumnBlock, GradientStore, LayerInfo, StoredDtype } from '../../lib/gradients/store.js';
import { layerNamed } from './read-layer.js';
import { safetensorsBytes } from './safetensors-bytes.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const BYTES: Readonly<Record<StoredDtype, number>> = { F32: 4, F64: 8, F16: 2, BF16: 2 };
const [samples, r, d] = [5, 2, 37];

/** A store of one layer, byte k of which is 7 k mod 256. */
function written(dtype: StoredDtype) {
  const data = Uint8Array.from({ length: samples * r * d * BYTES[dtype] }, (_, k) => (7 * k) % 256);
  const path = join(folder, `${dtype}.safetensors`);
  const bytes = safetensorsBytes({ layer: { dtype, shape: [samples, r, d], bytes: data } });
  writeFileSync(path, bytes);
  return { path, data, bytes };
}

/** The layer's bytes, put together from blocks of columns. */
async function assembled(store: GradientStore, layer: LayerInfo, blockColumns: number): Promise<Uint8Array> {
  const element = BYTES[layer.dtype];
  const out = new Uint8Array(samples * r * d * element);
  let expected = 0;
  for await (const { start, columns, rows, rowStride } of store.columns(layer, { blockColumns })) {
    expect(start).toBe(expected);
    expected += columns;
    expect(rows.BYTES_PER_ELEMENT).toBe(element);
    for (let row = 0; row < samples; ++row) {
      const part = rows.subarray(row * rowStride, row * rowStride + columns);
      out.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), (row * r * d + start) * element);
    }
  }
  expect(expected).toBe(r * d);
  return out;
}

describe.each(['F32', 'F64', 'F16', 'BF16'] as const)('%s', (dtype) => {
  test('the stored bytes, whatever the blocks; from memory too', async () => {
    const { path, data } = written(dtype);
    const store = await openGradients(path);
    const layer = layerNamed(store, 'layer');
    const whole = await store.columns(layer, { blockColumns: r * d }).next();
    const rows = (whole.value as ColumnBlock).rows.slice();
    const inMemory = await openGradients({ layers: { layer: { rows, dtype, shape: [samples, r, d] } } });
    for (const blockColumns of [1, 10, 37, 73, 74, 1000]) {
      expect(Buffer.compare(await assembled(store, layer, blockColumns), data)).toBe(0);
      expect(Buffer.compare(await assembled(inMemory, layerNamed(inMemory, 'layer'), blockColumns), data)).toBe(0);
    }
    await store.close();
  });

  test('no more memory than columnBytes says', async () => {
    const { path } = written(dtype);
    for (const [blockColumns, buffers] of [
      [10, 2],
      [73, 2],
      [74, 1],
      [1000, 1],
    ] as const) {
      const store = await openGradients(path);
      const layer = layerNamed(store, 'layer');
      const seen = new Set<ArrayBufferLike>();
      for await (const { rows } of store.columns(layer, { blockColumns })) seen.add(rows.buffer);
      expect(seen.size).toBe(buffers);
      const allocated = [...seen].reduce((sum, { byteLength }) => sum + byteLength, 0);
      expect(allocated).toBeLessThanOrEqual(store.columnBytes(layer, blockColumns));
      await store.close();
    }
  });
});

test('the hash is that of the file, in whatever order it was read', async () => {
  const { path, bytes } = written('F32');
  const store = await openGradients(path);
  await assembled(store, layerNamed(store, 'layer'), 10);
  expect(await store.inputs()).toMatchObject([{ sha256: createHash('sha256').update(bytes).digest('hex') }]);
  await store.close();
});

test('a failed read is reported when nothing writes to the block any more', async () => {
  const settle: { resolve: () => void; reject: (reason: Error) => void }[] = [];
  const file: InputFile = {
    path: 'manual',
    bytes: 1000,
    read: () => new Promise<void>((resolve, reject) => settle.push({ resolve, reject })),
    record: () => Promise.reject(new Error('not asked for')),
    close: () => Promise.resolve(),
  };
  const info: LayerInfo = { name: 'flat', samples: 2, r: 1, d: 8, dtype: 'F32' };
  const blocks = readColumns({ info, file, position: 0 }, 4, undefined, blockBufferPool());
  let outcome = 'waiting';
  const first = blocks.next().catch((error: unknown) => (outcome = (error as Error).message));
  await new Promise(setImmediate);
  settle[0]?.reject(new Error('bad sector'));
  await new Promise(setImmediate);
  expect(outcome).toBe('waiting');
  settle[1]?.resolve();
  await first;
  expect(outcome).toBe('bad sector');
});

test('mistakes, aborts, and a store that is closed', async () => {
  const store = await openGradients(written('F32').path);
  const layer = layerNamed(store, 'layer');
  const code = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return (error as { code?: string }).code;
    }
    return 'none';
  };
  for (const blockColumns of [0, 1.5, NaN]) {
    expect(code(() => store.columns(layer, { blockColumns }))).toBe('GRADSIFT_ARGUMENT');
    expect(code(() => store.columnBytes(layer, blockColumns))).toBe('GRADSIFT_ARGUMENT');
  }
  expect(code(() => store.columns({ ...layer, d: 1 }, { blockColumns: 1 }))).toBe('GRADSIFT_ARGUMENT');
  const reason = new Error('enough');
  const aborted = store.columns(layer, { blockColumns: 4, signal: AbortSignal.abort(reason) });
  await expect(aborted.next()).rejects.toBe(reason);
  await store.close();
  expect(code(() => store.columns(layer, { blockColumns: 1 }))).toBe('GRADSIFT_IO');
});
