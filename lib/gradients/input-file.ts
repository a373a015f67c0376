// One input file: opened read-only, read at positions, hashed on the way. Never mapped: a file cut short while it is
// mapped kills the process, where a read only comes back short.
import { createHash } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GradsiftError } from '../errors.js';
import type { InputRecord } from './store.js';

/** Bytes in one read: large enough to run at memory speed, small enough that an abort is noticed in milliseconds. */
const READ_PIECE = 4 << 20;
/** Bytes hashed before the event loop gets its turn: 0.3 ms with SHA instructions, 2 ms without. */
const HASH_PIECE = 512 << 10;
/** Bytes that hashing reads for itself to reach a piece: padding, a small layer left out. Larger gaps wait. */
const MAX_GAP = 8 << 20;

/** Throws when the work should stop: called between pieces. */
export type Checkpoint = () => void;

export interface InputFile {
  readonly path: string;
  readonly bytes: number;
  /** Fills the whole of target from `position` on. target must be left alone until the promise settles. */
  read(target: Uint8Array, position: number, checkpoint?: Checkpoint): Promise<void>;
  /** With the SHA-256 of the whole file, for which it reads what no read() has reached yet. */
  record(checkpoint?: Checkpoint): Promise<InputRecord>;
  close(): Promise<void>;
}

export function ioError(path: string, what: string, cause: unknown): GradsiftError {
  const reason = cause instanceof Error || (typeof cause === 'object' && cause !== null && 'message' in cause);
  const text = reason ? (cause as Error).message : String(cause);
  return new GradsiftError('GRADSIFT_IO', `${path}: ${what}: ${text}`, { cause });
}

function changed(path: string, detail: string): GradsiftError {
  return new GradsiftError('GRADSIFT_IO', `${path}: changed while being read: ${detail}`);
}

async function openRegular(path: string): Promise<FileHandle> {
  try {
    // Asked before opening: to open a named pipe would wait for a writer, perhaps for ever.
    if (!(await stat(path)).isFile()) throw new Error('not a regular file');
    return await open(path, 'r');
  } catch (error) {
    throw ioError(path, 'cannot be opened', error);
  }
}

/**
 * `hashed` false: no SHA-256 is computed, records have null in its place.
 *
 * @throws GRADSIFT_IO where the file system refuses, or the path is not a regular file
 */
export async function openInputFile(path: string, hashed = true): Promise<InputFile> {
  const handle = await openRegular(path);
  const opened = await handle.stat({ bigint: true });
  const bytes = Number(opened.size);
  let closed: Promise<void> | undefined;

  async function readFully(target: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < target.length;) {
      const { bytesRead } = await handle.read(target, at, target.length - at, position + at).catch((error: unknown) => {
        throw ioError(path, 'cannot be read', error);
      });
      if (bytesRead === 0) throw changed(path, `it had ${bytes} bytes and now ends at byte ${position + at}`);
      at += bytesRead;
    }
  }

  const hash = hashed ? hashInOrder(readFully) : undefined;

  async function read(target: Uint8Array, position: number, checkpoint?: Checkpoint): Promise<void> {
    let hashing = Promise.resolve();
    try {
      for (let at = 0; at < target.length; at += READ_PIECE) {
        checkpoint?.();
        const piece = target.subarray(at, at + READ_PIECE);
        await readFully(piece, position + at);
        if (hash === undefined) continue;
        await hashing; // of the piece before: this thread hashed it while another one read
        hashing = hash.feed(piece, position + at, checkpoint);
        hashing.catch(() => undefined); // reported where it is awaited
      }
    } finally {
      await hashing;
    }
  }

  async function record(checkpoint?: Checkpoint): Promise<InputRecord> {
    const sha256 = (await hash?.finish(bytes, checkpoint)) ?? null;
    const now = await handle.stat({ bigint: true }).catch((error: unknown) => {
      throw ioError(path, 'cannot be read', error);
    });
    if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) {
      throw changed(path, `${opened.size} bytes when opened, ${now.size} now, modified ${now.mtime.toISOString()}`);
    }
    return { path, sha256, bytes };
  }

  return { path, bytes, read, record, close: () => (closed ??= handle.close()) };
}

interface OrderedHash {
  feed(piece: Uint8Array, position: number, checkpoint?: Checkpoint): Promise<void>;
  finish(end: number, checkpoint?: Checkpoint): Promise<string>;
}

/** SHA-256 of a file in byte order, from pieces that come mostly in order: repeats are ignored, small gaps are read. */
function hashInOrder(readFully: (target: Uint8Array, position: number) => Promise<void>): OrderedHash {
  const hash = createHash('sha256');
  let hashed = 0;
  let digest: string | undefined;
  let queue: Promise<unknown> = Promise.resolve(); // one update at a time, also when two layers are read at once

  async function update(piece: Uint8Array, position: number, checkpoint?: Checkpoint): Promise<void> {
    while (hashed < position + piece.length) {
      const part = piece.subarray(hashed - position, hashed - position + HASH_PIECE);
      hash.update(part);
      hashed += part.length;
      if (hashed < position + piece.length) {
        await nextTurn();
        checkpoint?.();
      }
    }
  }

  async function fillGap(end: number, checkpoint?: Checkpoint): Promise<void> {
    const scratch = new Uint8Array(Math.max(0, Math.min(HASH_PIECE, end - hashed)));
    while (hashed < end) {
      checkpoint?.();
      const part = scratch.subarray(0, Math.min(scratch.length, end - hashed));
      await readFully(part, hashed);
      await update(part, hashed);
    }
  }

  function inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = queue.then(work);
    queue = done.catch(() => undefined);
    return done;
  }

  return {
    async feed(piece, position, checkpoint) {
      if (position + piece.length <= hashed) return;
      await inTurn(async () => {
        if (position - hashed > MAX_GAP) return;
        await fillGap(position, checkpoint);
        await update(piece, position, checkpoint);
      });
    },
    finish: (end, checkpoint) =>
      inTurn(async () => {
        await fillGap(end, checkpoint);
        return (digest ??= hash.digest('hex'));
      }),
  };
}
