import { randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GradsiftError } from '../errors.js';
import { ioError } from './input-file.js';

/** Bytes in one write: an abort and the event loop wait no longer than this takes. */
const WRITE_PIECE = 4 << 20;

/**
 * Writes a file under a temporary name beside `path`, makes it durable, then renames it: whoever looks sees the old
 * file or the whole new one. Nothing is left behind when it fails or is aborted.
 *
 * `header`: what the file begins with, asked for when all parts are written (it may tell how many there were); always
 * of the same length.
 * @throws GRADSIFT_IO; what the parts throw, where they are made as they are asked for
 */
export async function replaceFile(
  path: string,
  parts: Iterable<ArrayBufferView> | AsyncIterable<ArrayBufferView>,
  signal?: AbortSignal,
  header?: () => Uint8Array,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx');
    if (header !== undefined) await writeAll(handle, new Uint8Array(header().length));
    for await (const part of parts) await writeAll(handle, part, signal);
    if (header !== undefined) await handle.write(header(), 0, header().length, 0);
    await handle.sync();
    await handle.close();
    handle = undefined;
    signal?.throwIfAborted();
    await rename(temporary, path);
  } catch (error) {
    await handle?.close();
    await rm(temporary, { force: true });
    if ((signal?.aborted && error === signal.reason) || error instanceof GradsiftError) throw error;
    throw ioError(path, 'cannot be written', error);
  }
}

async function writeAll(handle: FileHandle, part: ArrayBufferView, signal?: AbortSignal): Promise<void> {
  for (let at = 0; at < part.byteLength;) {
    signal?.throwIfAborted();
    const piece = new Uint8Array(part.buffer, part.byteOffset + at, Math.min(WRITE_PIECE, part.byteLength - at));
    at += (await handle.write(piece)).bytesWritten;
  }
}
