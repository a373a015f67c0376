// Where text goes: one file that appears as a whole, or standard output.
import { once } from 'node:events';
import { replaceFile } from '../gradients/replace-file.js';

/** Characters gathered before they are written. */
const CHUNK = 1 << 16;

function* chunks(lines: Iterable<string>): Generator<Buffer> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length < CHUNK) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

/** Writes to standard output at the pace of its reader. */
export async function writeStandardOutput(lines: Iterable<string>, signal: AbortSignal): Promise<void> {
  for (const chunk of chunks(lines)) {
    signal.throwIfAborted();
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain', { signal });
  }
}

/** Writes to the file, which appears as a whole or not at all, or to standard output. @throws GRADSIFT_IO */
export async function writeLines(
  path: string | undefined,
  lines: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  if (path === undefined) await writeStandardOutput(lines, signal);
  else await replaceFile(path, chunks(lines), signal);
}
