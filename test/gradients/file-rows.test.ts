import { closeSync, ftruncateSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { blockBufferPool } from '../../lib/gradients/block-buffers.js';
import { fileBlockBytes, readRows } from '../../lib/gradients/file-rows.js';
import type { InputFile } from '../../lib/gradients/input-file.js';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import type { GradientStore, LayerInfo, RowBlock } from '../../lib/gradients/store.js';
import { bytesOf, safetensorsBytes } from './safetensors-bytes.js';
import { layerBytes, layerNamed } from './read-layer.js';
import { rejection } from './rejection.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();

/** A file that answers when told to. Byte k has the value k mod 256. */
function manualFile() {
  const asked: { position: number; length: number; finish: () => void }[] = [];
  const file: InputFile = {
    path: 'manual',
    bytes: 1 << 20,
    read: (target, position, checkpoint) =>
      new Promise<void>((resolve) => asked.push({ position, length: target.length, finish: resolve })).then(() => {
        checkpoint?.();
        for (let at = 0; at < target.length; at++) target[at] = position + at;
      }),
    record: () => Promise.reject(new Error('not asked for')),
    close: () => Promise.resolve(),
  };
  return { file, asked };
}

const FLAT: LayerInfo = { name: 'flat', samples: 5, r: 1, d: 2, dtype: 'F32' };
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('readRows', () => {
  test('asks for one block ahead, in order, no more', async () => {
    const { file, asked } = manualFile();
    const rows = readRows({ info: FLAT, file, position: 100 }, 2, undefined, blockBufferPool());
    const first = rows.next();
    await settle();
    expect(asked).toMatchObject([{ position: 100, length: 16 }]);
    asked[0]?.finish();
    const { start, samples } = (await first).value as RowBlock;
    expect([start, samples]).toEqual([0, 2]);
    expect(asked).toMatchObject([{ position: 100 }, { position: 116, length: 16 }]);
    await settle(); // however long the caller works on the first block
    expect(asked).toHaveLength(2);
    asked[1]?.finish();
    expect((await rows.next()).value).toMatchObject({ start: 2, samples: 2 });
    expect(asked).toMatchObject([{}, {}, { position: 132, length: 8 }]);
    asked[2]?.finish();
    expect((await rows.next()).value).toMatchObject({ start: 4, samples: 1 });
    expect(await rows.next()).toEqual({ done: true, value: undefined });
    expect(asked).toHaveLength(3);
  });

  test('a block is intact while the next is read, and its buffer taken again for the one after', async () => {
    const { file, asked } = manualFile();
    const rows = readRows({ info: FLAT, file, position: 0 }, 2, undefined, blockBufferPool());
    const next = async () => {
      const block = rows.next();
      await settle();
      for (const { finish } of asked) finish();
      return ((await block).value as RowBlock).rows;
    };
    const first = await next();
    for (const { finish } of asked) finish();
    expect([...bytesOf(first)]).toEqual(Array.from({ length: 16 }, (_, index) => index));
    const second = await next();
    const third = await next();
    expect(second.buffer).not.toBe(first.buffer);
    expect(third.buffer).toBe(first.buffer);
    await rows.return(undefined);
  });

  test('returning early waits for the read under way before its buffers are used again', async () => {
    const { file, asked } = manualFile();
    const pool = blockBufferPool();
    const rows = readRows({ info: FLAT, file, position: 0 }, 2, undefined, pool);
    const first = rows.next();
    await settle();
    asked[0]?.finish();
    await first;
    let returned = false;
    const returning = rows.return(undefined).then(() => (returned = true));
    await settle();
    expect(returned).toBe(false);
    asked[1]?.finish();
    await returning;
    expect(pool.take().raw(0, 16)).toBe(((await first).value as RowBlock).rows.buffer);
  });

  test('a run beside another has buffers of its own', async () => {
    const { file, asked } = manualFile();
    const pool = blockBufferPool();
    const runs = [1, 2].map(() => readRows({ info: FLAT, file, position: 0 }, 5, undefined, pool));
    const blocks = runs.map((run) => run.next());
    await settle();
    for (const { finish } of asked) finish();
    const [one, two] = await Promise.all(blocks);
    expect((one?.value as RowBlock).rows.buffer).not.toBe((two?.value as RowBlock).rows.buffer);
  });

  test('fileBlockBytes is what is allocated', () => {
    expect(fileBlockBytes(FLAT, 5)).toBe(40);
    expect(fileBlockBytes(FLAT, 99)).toBe(40);
    expect(fileBlockBytes(FLAT, 2)).toBe(32);
    expect(fileBlockBytes({ ...FLAT, dtype: 'F64' }, 2)).toBe(64);
    expect(fileBlockBytes({ ...FLAT, dtype: 'BF16' }, 2)).toBe(16 + 16);
  });
});

/** A store of one layer, [samples, 1, 256] float32: 1 KiB a sample, element k is k + 1. */
function counting(name: string, samples: number): { path: string; bytes: Buffer } {
  const path = join(folder, `${name}.safetensors`);
  const values = new Float32Array(samples * 256);
  for (let index = 0; index < values.length; index++) values[index] = index + 1;
  const bytes = Buffer.from(bytesOf(values));
  writeFileSync(path, safetensorsBytes({ counting: { dtype: 'F32', shape: [samples, 1, 256], bytes } }, { pad: 1 }));
  return { path, bytes };
}

/** All blocks, until one is refused. */
async function drain(store: GradientStore, blockSamples: number, signal?: AbortSignal): Promise<number> {
  let blocks = 0;
  for await (const block of store.blocks(layerNamed(store, 'counting'), { blockSamples, signal })) {
    blocks += block.samples > 0 ? 1 : 0;
  }
  return blocks;
}

describe('from a file', () => {
  test('any block size gives the same bits, from a byte that is not aligned', async () => {
    const { path, bytes } = counting('sizes', 301);
    const store = await openGradients(path);
    for (const blockSamples of [1, 2, 3, 64, 150, 151, 300, 301, 302, 10_000]) {
      expect((await layerBytes(store, 'counting', blockSamples)).equals(bytes)).toBe(true);
    }
    await store.close();
  });

  test('two runs over one layer at a time do not disturb each other', async () => {
    const { path, bytes } = counting('two-runs', 100);
    const store = await openGradients(path);
    const [one, two] = await Promise.all([layerBytes(store, 'counting', 7), layerBytes(store, 'counting', 9)]);
    expect(one.equals(bytes) && two.equals(bytes)).toBe(true);
    await store.close();
  });

  test('an abort stops inside a block, with the reason given', async () => {
    const { path } = counting('abort', 40_000); // 39 MiB: ten pieces in one block
    const store = await openGradients(path);
    const controller = new AbortController();
    const reason = new Error('enough');
    setImmediate(() => controller.abort(reason));
    const started = performance.now();
    await expect(drain(store, 40_000, controller.signal)).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(500);
    await expect(drain(store, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(store.inputs(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await drain(store, 10_000)).toBe(4); // the store is as good as before
    const [input] = await store.inputs();
    expect(input?.sha256).toHaveLength(64);
    await store.close();
  });

  test('a file cut short while it is read is GRADSIFT_IO, never wrong numbers', async () => {
    const { path } = counting('cut', 1000);
    const store = await openGradients(path);
    truncateSync(path, 500 * 1024);
    for (const blockSamples of [1000, 100]) {
      const { code, message } = await rejection(drain(store, blockSamples));
      expect(code).toBe('GRADSIFT_IO');
      expect(message).toContain(path);
      expect(message).toContain('changed while being read');
    }
    expect((await rejection(store.inputs())).code).toBe('GRADSIFT_IO');
    await store.close();
  });

  test('rows past 4 GiB', async () => {
    // Layer a fills the first 4 GiB and a bit with a hole; the rows of b lie behind it.
    const samples = 4096;
    const [sizeA, sizeB] = [samples * 262_145 * 4, samples * 16 * 4];
    const header = JSON.stringify({
      a: { dtype: 'F32', shape: [samples, 1, 262_145], data_offsets: [0, sizeA] },
      b: { dtype: 'F32', shape: [samples, 2, 8], data_offsets: [sizeA, sizeA + sizeB] },
    });
    const head = Buffer.concat([Buffer.alloc(8), Buffer.from(header)]);
    head.writeBigUInt64LE(BigInt(header.length));
    const rows = Buffer.from(bytesOf(Float32Array.from({ length: samples * 16 }, (_, index) => index + 1)));
    const path = join(folder, 'huge.safetensors');
    const file = openSync(path, 'w');
    ftruncateSync(file, head.length + sizeA + sizeB);
    writeSync(file, head, 0, head.length, 0);
    writeSync(file, rows, 0, rows.length, head.length + sizeA);
    closeSync(file);
    expect(head.length + sizeA).toBeGreaterThan(2 ** 32);

    const store = await openGradients(path);
    for (const blockSamples of [samples, 1000]) {
      expect((await layerBytes(store, 'b', blockSamples)).equals(rows)).toBe(true);
    }
    for await (const { rows: zeros } of store.blocks(layerNamed(store, 'a'), { blockSamples: 8 })) {
      expect(zeros.every((value) => value === 0)).toBe(true);
      break;
    }
    await store.close();
  });

  test('all passes over a layer use the bytes that blockBytes says, and no more', async () => {
    const { path, bytes } = counting('memory', 1000);
    const store = await openGradients(path);
    const layer = layerNamed(store, 'counting');
    for (const [blockSamples, buffers] of [
      [300, 2],
      [999, 2],
      [1000, 1],
    ] as const) {
      const seen = new Set<ArrayBufferLike>();
      for (let pass = 0; pass < 3; pass++) {
        for await (const { rows } of store.blocks(layer, { blockSamples })) seen.add(rows.buffer);
      }
      expect(seen.size).toBe(buffers);
      const allocated = [...seen].reduce((sum, buffer) => sum + buffer.byteLength, 0);
      expect(allocated).toBeLessThanOrEqual(store.blockBytes(layer, blockSamples));
      expect(allocated).toBeLessThanOrEqual(2 * bytes.length);
    }
    await store.close();
  });
});
