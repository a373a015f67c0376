// Blocks of columns of one layer in a file: a run of bytes of each row.
import type { BlockBufferPool } from './block-buffers.js';
import { rowBytes, storedNumbers, type FileLayer } from './file-rows.js';
import { ELEMENT_BYTES } from './layers.js';
import { readBlocks, type BlockReads } from './read-blocks.js';
import type { ColumnBlock, LayerInfo } from './store.js';

/** Bytes that readColumns keeps: one or two raw blocks. */
export function fileColumnBytes(info: LayerInfo, blockColumns: number): number {
  const length = info.r * info.d;
  const columns = Math.min(blockColumns, length);
  return info.samples * columns * ELEMENT_BYTES[info.dtype] * (columns < length ? 2 : 1);
}

export async function* readColumns(
  { info, file, position }: FileLayer,
  blockColumns: number,
  signal: AbortSignal | undefined,
  pool: BlockBufferPool,
): AsyncGenerator<ColumnBlock, undefined> {
  const length = info.r * info.d;
  const element = ELEMENT_BYTES[info.dtype];
  const columnsFrom = (start: number) => Math.min(blockColumns, length - start);
  const reading: BlockReads = {
    blocks: Math.ceil(length / blockColumns),
    async read(index, take, checkpoint) {
      const start = index * blockColumns;
      const bytes = columnsFrom(start) * element;
      const block = take(info.samples * bytes);
      // Whole rows lie end to end. Parts of rows are read side by side: one after the other would wait for each.
      const runs = bytes === rowBytes(info) ? [block] : rowsOf(block, bytes);
      const reads = runs.map((run, row) =>
        file.read(run, position + row * rowBytes(info) + start * element, checkpoint),
      );
      for (const read of await Promise.allSettled(reads)) if (read.status === 'rejected') throw read.reason;
      return block;
    },
  };
  for await (const { index, block } of readBlocks(reading, signal, pool)) {
    const start = index * blockColumns;
    const columns = columnsFrom(start);
    yield { start, columns, rows: storedNumbers(info, block), rowStride: columns };
  }
}

function rowsOf(block: Uint8Array, bytes: number): Uint8Array[] {
  return Array.from({ length: block.length / bytes }, (_, row) => block.subarray(row * bytes, (row + 1) * bytes));
}
