// Objects and lists that a command line holds itself, or names a file of.
import { readFileSync } from 'node:fs';
import { GradsiftError, mismatch } from '../errors.js';
import { isRecord, parseJson } from '../gradients/json.js';
import { parseList } from './values.js';

const MAX_DEPTH = 16;

/** @throws GRADSIFT_IO naming the option and the file */
function textOf(name: string, path: string): string {
  if (path === '') throw mismatch('GRADSIFT_ARGUMENT', name, 'a file name', path);
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new GradsiftError('GRADSIFT_IO', `${name}: ${path} cannot be read (${reason})`, { cause: error });
  }
}

function parse(where: string, text: string): unknown {
  try {
    return parseJson(text, MAX_DEPTH);
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0] as string;
    throw new GradsiftError('GRADSIFT_FORMAT', `${where}: ${reason}`, { cause: error });
  }
}

/** `{"a": 1}`, or the name of a file with such an object. @throws GRADSIFT_FORMAT, GRADSIFT_IO */
export function readObject(name: string, text: string): Readonly<Record<string, unknown>> {
  const inline = text.trimStart().startsWith('{');
  const where = inline ? name : `${name}: ${text}`;
  const value = parse(`${where} is no JSON`, inline ? text : textOf(name, text));
  if (isRecord(value)) return value;
  throw mismatch('GRADSIFT_FORMAT', where, 'a JSON object', value);
}

/** `a,b,c`; or the name of a .json or .txt file, as {@link fileItems} reads it. */
export function readItems(name: string, text: string): (string | number)[] {
  return /\.(json|txt)$/i.test(text) ? fileItems(name, text) : parseList(name, text);
}

/**
 * A JSON array of strings and numbers, or one item a line (a last empty line does not count).
 * @throws GRADSIFT_FORMAT, GRADSIFT_IO naming the file
 */
export function fileItems(name: string, path: string): (string | number)[] {
  const text = textOf(name, path);
  if (!text.trimStart().startsWith('[')) {
    const lines = text.split(/\r?\n/);
    if (lines.at(-1) === '') lines.pop();
    return lines;
  }
  const items = parse(`${name}: ${path} starts like a JSON array, but is none`, text) as (string | number)[];
  const odd = items.findIndex((item) => typeof item !== 'string' && typeof item !== 'number');
  if (odd < 0) return items;
  throw mismatch('GRADSIFT_FORMAT', `${name}: ${path}, element ${odd}`, 'a string or a number', items[odd]);
}
