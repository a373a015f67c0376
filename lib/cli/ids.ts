import { readFile } from 'node:fs/promises';
import { GradsiftError, mismatch } from '../errors.js';

/**
 * Names of the training samples from a file: a JSON array of strings and numbers, or one name a line (a last empty line
 * does not count).
 * @throws GRADSIFT_IO, GRADSIFT_FORMAT naming the file; GRADSIFT_SHAPE when their number is not `samples`
 */
export async function readIds(path: string, samples: number): Promise<(string | number)[]> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new GradsiftError('GRADSIFT_IO', `--ids: ${path} cannot be read (${reason})`, { cause: error });
  }
  const ids = text.trimStart().startsWith('[') ? parseArray(path, text) : parseLines(text);
  if (ids.length !== samples) {
    throw mismatch('GRADSIFT_SHAPE', `--ids: ${path}`, `${samples} ids, one for each training sample`, ids.length);
  }
  return ids;
}

function parseArray(path: string, text: string): (string | number)[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0] as string;
    throw new GradsiftError('GRADSIFT_FORMAT', `--ids: ${path} starts like a JSON array, but is none: ${reason}`);
  }
  const ids = value as (string | number)[];
  const odd = ids.findIndex((id) => typeof id !== 'string' && typeof id !== 'number');
  if (odd >= 0) throw mismatch('GRADSIFT_FORMAT', `--ids: ${path}, element ${odd}`, 'a string or a number', ids[odd]);
  return ids;
}

function parseLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
