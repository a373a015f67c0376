// Blocks of a file, one after the other: while the caller works on one, the next is read into the other buffer.
import type { BlockBufferPool, BlockBuffers } from './block-buffers.js';
import type { Checkpoint } from './input-file.js';

/** What is read. */
export interface BlockReads {
  readonly blocks: number;
  /** Fills bytes that `take` gives. When it settles, nothing writes to them any more. */
  readonly read: (
    index: number,
    take: (bytes: number) => Uint8Array<ArrayBuffer>,
    checkpoint: Checkpoint,
  ) => Promise<Uint8Array<ArrayBuffer>>;
}

/** A block, in a buffer that is the caller's until the next one is asked for. */
export interface ReadBlock {
  readonly index: number;
  readonly block: Uint8Array<ArrayBuffer>;
  readonly buffers: BlockBuffers;
}

export async function* readBlocks(
  { blocks, read }: BlockReads,
  signal: AbortSignal | undefined,
  pool: BlockBufferPool,
): AsyncGenerator<ReadBlock, undefined> {
  const buffers = pool.take();
  let stopped = false;

  function checkpoint(): void {
    signal?.throwIfAborted();
    if (stopped) throw new Error('the iterator was returned');
  }

  function start(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const reading = read(index, (bytes) => new Uint8Array(buffers.raw(index, bytes), 0, bytes), checkpoint);
    reading.catch(() => undefined); // reported where it is awaited
    return reading;
  }

  let reading = Promise.resolve(new Uint8Array(0));
  try {
    reading = start(0);
    for (let index = 0; index < blocks; ++index) {
      const block = await reading;
      checkpoint();
      if (index + 1 < blocks) reading = start(index + 1);
      yield { index, block, buffers };
    }
  } finally {
    stopped = true; // a read ahead ends at its next piece; its buffer must not be reused before
    await reading.catch(() => undefined);
    pool.give(buffers);
  }
}
