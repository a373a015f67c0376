// Blocks of rows of one layer in a file.
import { widenAsync } from '../linalg/widen.js';
import type { BlockBufferPool, BlockBuffers } from './block-buffers.js';
import type { InputFile } from './input-file.js';
import { ELEMENT_BYTES } from './layers.js';
import { readBlocks, type BlockReads } from './read-blocks.js';
import type { ColumnBlock, LayerInfo, RowBlock } from './store.js';

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
  const reading: BlockReads = {
    blocks: Math.ceil(info.samples / blockSamples),
    async read(index, take, checkpoint) {
      const start = index * blockSamples;
      const block = take(Math.min(blockSamples, info.samples - start) * bytesPerRow);
      await file.read(block, position + start * bytesPerRow, checkpoint);
      return block;
    },
  };
  for await (const { index, block, buffers } of readBlocks(reading, signal, pool)) {
    const rows = await toRows(info, block, buffers, signal);
    yield { start: index * blockSamples, samples: block.length / bytesPerRow, rows };
  }
}

/** Stored bits as numbers. The buffers are ours and start aligned, wherever the bytes came from in the file. */
async function toRows(
  info: LayerInfo,
  block: Uint8Array<ArrayBuffer>,
  buffers: BlockBuffers,
  signal: AbortSignal | undefined,
): Promise<Float32Array | Float64Array> {
  const stored = storedNumbers(info, block);
  if (info.dtype !== 'F16' && info.dtype !== 'BF16') return stored as Float32Array | Float64Array;
  const widened = new Float32Array(buffers.widened(stored.length * Float32Array.BYTES_PER_ELEMENT), 0, stored.length);
  await widenAsync(stored as Uint16Array, info.dtype, widened, { signal });
  return widened;
}

/** The bytes as an array of the layer's type; 16-bit floats as bits. */
export function storedNumbers({ dtype }: LayerInfo, block: Uint8Array<ArrayBuffer>): ColumnBlock['rows'] {
  const length = block.length / ELEMENT_BYTES[dtype];
  if (dtype === 'F64') return new Float64Array(block.buffer, 0, length);
  if (dtype === 'F32') return new Float32Array(block.buffer, 0, length);
  return new Uint16Array(block.buffer, 0, length);
}
