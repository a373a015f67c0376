// Blocks of rows of one layer in a file: while the caller works on one block, the next is read into the other buffer.
import { widenAsync } from '../linalg/widen.js';
import type { BlockBufferPool, BlockBuffers } from './block-buffers.js';
import type { InputFile } from './input-file.js';
import { ELEMENT_BYTES } from './layers.js';
import type { LayerInfo, RowBlock } from './store.js';

/** Where the rows of a layer lie: row-major, little-endian, from a byte that need not be a multiple of anything. */
export interface FileLayer {
  readonly info: LayerInfo;
  readonly file: InputFile;
  readonly position: number;
}

export function rowBytes({ r, d, dtype }: LayerInfo): number {
  return r * d * ELEMENT_BYTES[dtype];
}

/** Bytes that readRows keeps: one or two raw blocks, and for half precision one widened. */
export function fileBlockBytes(info: LayerInfo, blockSamples: number): number {
  const samples = Math.min(blockSamples, info.samples);
  const raw = samples * rowBytes(info) * (samples < info.samples ? 2 : 1);
  return raw + (isHalf(info) ? samples * info.r * info.d * Float32Array.BYTES_PER_ELEMENT : 0);
}

function isHalf({ dtype }: LayerInfo): boolean {
  return dtype === 'F16' || dtype === 'BF16';
}

export async function* readRows(
  { info, file, position }: FileLayer,
  blockSamples: number,
  signal: AbortSignal | undefined,
  pool: BlockBufferPool,
): AsyncGenerator<RowBlock, undefined> {
  const bytesPerRow = rowBytes(info);
  const buffers = pool.take();
  let stopped = false;

  function checkpoint(): void {
    signal?.throwIfAborted();
    if (stopped) throw new Error('the iterator was returned');
  }

  function startReading(start: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = Math.min(blockSamples, info.samples - start) * bytesPerRow;
    const block = new Uint8Array(buffers.raw(start / blockSamples, bytes), 0, bytes);
    const read = file.read(block, position + start * bytesPerRow, checkpoint).then(() => block);
    read.catch(() => undefined); // reported where it is awaited
    return read;
  }

  let reading = Promise.resolve(new Uint8Array(0));
  try {
    reading = startReading(0);
    for (let start = 0; start < info.samples; start += blockSamples) {
      const block = await reading;
      checkpoint();
      if (start + blockSamples < info.samples) reading = startReading(start + blockSamples);
      yield { start, samples: block.length / bytesPerRow, rows: await toRows(info, block, buffers, signal) };
    }
  } finally {
    stopped = true; // a read ahead ends at its next piece; its buffer must not be reused before
    await reading.catch(() => undefined);
    pool.give(buffers);
  }
}

/** Stored bits as numbers. The buffers are ours and start aligned, wherever the bytes came from in the file. */
async function toRows(
  info: LayerInfo,
  block: Uint8Array<ArrayBuffer>,
  buffers: BlockBuffers,
  signal: AbortSignal | undefined,
): Promise<Float32Array | Float64Array> {
  const length = block.length / ELEMENT_BYTES[info.dtype];
  if (info.dtype === 'F64') return new Float64Array(block.buffer, 0, length);
  if (info.dtype === 'F32') return new Float32Array(block.buffer, 0, length);
  const widened = new Float32Array(buffers.widened(length * Float32Array.BYTES_PER_ELEMENT), 0, length);
  await widenAsync(new Uint16Array(block.buffer, 0, length), info.dtype, widened, { signal });
  return widened;
}
