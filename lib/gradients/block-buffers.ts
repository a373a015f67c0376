import { GradsiftError } from '../errors.js';

/** What one run over a layer reads into: two raw blocks taken in turn, and one block widened from half precision. */
export interface BlockBuffers {
  raw(turn: number, bytes: number): ArrayBuffer;
  widened(bytes: number): ArrayBuffer;
}

export interface BlockBufferPool {
  take(): BlockBuffers;
  give(buffers: BlockBuffers): void;
  clear(): void;
}

/**
 * Buffers that a store keeps from layer to layer, so that its memory does not wait for the garbage collector. A second
 * run at the same time gets buffers of its own.
 */
export function blockBufferPool(): BlockBufferPool {
  let idle: BlockBuffers | undefined;
  return {
    take() {
      const taken = idle ?? blockBuffers();
      idle = undefined;
      return taken;
    },
    give(buffers) {
      idle = buffers;
    },
    clear() {
      idle = undefined;
    },
  };
}

function blockBuffers(): BlockBuffers {
  const slots: (ArrayBuffer | undefined)[] = [];
  function slot(index: number, bytes: number): ArrayBuffer {
    const kept = slots[index];
    if (kept && kept.byteLength >= bytes) return kept;
    slots[index] = undefined; // free to be collected before the larger one is asked for
    return (slots[index] = allocate(bytes));
  }
  return { raw: (turn, bytes) => slot(turn % 2, bytes), widened: (bytes) => slot(2, bytes) };
}

function allocate(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    throw new GradsiftError('GRADSIFT_MEMORY', `no memory for a block of ${bytes} bytes: set a smaller budget`, {
      cause,
    });
  }
}
