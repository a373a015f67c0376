// Texts in files, one a line: what embeddings are made of, and what samplers draw. The files are read once, to note
// where each line is; from then on any text is one positioned read away, and only those asked for are in memory.
import { GradsiftError, mismatch, show } from '../errors.js';
import { openInputFile, type InputFile } from '../gradients/input-file.js';
import { isRecord } from '../gradients/json.js';
import type { InputRecord } from '../gradients/store.js';

/** Options of {@link openDocuments}. */
export interface OpenDocumentsOptions {
  /** Where a line of JSON has its text; default 'text'. */
  readonly field?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** While the files are read for the first time. */
  readonly onProgress?: ((progress: { readonly doneBytes: number; readonly bytes: number }) => void) | undefined;
}

/** Texts by place. */
export interface DocumentSource {
  readonly count: number;
  /** Texts in the order asked for. @throws GRADSIFT_ARGUMENT for a place that is none */
  read(places: ArrayLike<number>): Promise<string[]>;
}

/** Texts in files, in order when they are iterated, any number of times. */
export interface Documents extends DocumentSource, AsyncIterable<string> {
  /** For messages: the paths. */
  readonly source: string;
  readonly bytes: number;
  /** Where a document is: `corpus.txt, line 7`. */
  where(place: number): string;
  /** The files, with their hashes. @throws GRADSIFT_IO when one has changed */
  inputs(): Promise<InputRecord[]>;
  close(): Promise<void>;
}

/** Bytes read at once. */
const PIECE = 4 << 20;
/** What one string holds. */
const LONGEST_LINE = 2 ** 29 - 25;
const [NEWLINE, LAST_BLANK] = [0x0a, 0x20];

/** Lines with something in them. */
interface LineIndex {
  count: number;
  starts: Float64Array;
  lengths: Uint32Array;
  /** From 1, empty ones counted. */
  numbers: Uint32Array;
}

interface TextFile {
  readonly file: InputFile;
  readonly index: LineIndex;
  /** Documents before this file. */
  readonly first: number;
  readonly parse: (line: string, where: () => string) => string;
}

/**
 * Opens texts: `.jsonl` and `.ndjson` have an object with a string `field`, or a string, on each line; of any other
 * file a line is a text. Lines of blanks are no documents. UTF-8, with or without its mark; several files follow
 * each other.
 *
 * @throws GradsiftError GRADSIFT_IO; GRADSIFT_FORMAT for a line that is too long, and for one that is no such JSON when
 * it is read
 */
export async function openDocuments(
  paths: string | readonly string[],
  { field = 'text', signal, onProgress }: OpenDocumentsOptions = {},
): Promise<Documents> {
  const list: readonly string[] = typeof paths === 'string' ? [paths] : paths;
  if (!arePaths(list)) throw mismatch('GRADSIFT_ARGUMENT', 'paths', 'a path, or several', paths);
  if (typeof field !== 'string') throw mismatch('GRADSIFT_ARGUMENT', 'field', 'a string', field);
  const opened: InputFile[] = [];
  try {
    for (const path of list) opened.push(await openInputFile(path));
    const bytes = opened.reduce((sum, file) => sum + file.bytes, 0);
    const files: TextFile[] = [];
    let [first, doneBytes] = [0, 0];
    for (const file of opened) {
      const before = doneBytes;
      const index = await indexLines(file, signal, (done) => onProgress?.({ doneBytes: before + done, bytes }));
      const parse = /\.(jsonl|ndjson)$/i.test(file.path) ? jsonText(field) : (line: string) => line.replace(/\r$/, '');
      files.push({ file, index, first, parse });
      first += index.count;
      doneBytes += file.bytes;
    }
    return documentsOf(files, first, bytes);
  } catch (error) {
    await Promise.all(opened.map((file) => file.close()));
    throw error;
  }
}

function arePaths(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0 && list.every((path) => typeof path === 'string' && path !== '');
}

function documentsOf(files: readonly TextFile[], count: number, bytes: number): Documents {
  const fileOf = (place: number) => {
    if (!(Number.isInteger(place) && place >= 0 && place < count)) {
      throw mismatch('GRADSIFT_ARGUMENT', 'place', `an integer in [0, ${count})`, place);
    }
    return files.findLast(({ first }) => first <= place) as TextFile;
  };
  const where = (place: number) => {
    const { file, index, first } = fileOf(place);
    return `${file.path}, line ${index.numbers[place - first]}`;
  };
  return {
    source: files.map(({ file }) => file.path).join(', '),
    ...{ count, bytes, where },
    async read(places) {
      const found = new Array<string>(places.length);
      // In the order of the files: kind to disks.
      const order = Array.from(places, (place, i) => ({ place, i })).sort((a, b) => a.place - b.place);
      for (const { place, i } of order) {
        const own = fileOf(place);
        [found[i]] = (await readLines(own, place - own.first, 1)) as [string];
      }
      return found;
    },
    async *[Symbol.asyncIterator]() {
      for (const own of files) {
        for (let from = 0; from < own.index.count;) {
          const lines = await readLines(own, from, linesTogether(own.index, from));
          yield* lines;
          from += lines.length;
        }
      }
    },
    inputs: () => Promise.all(files.map(({ file }) => file.record())),
    close: async () => void (await Promise.all(files.map(({ file }) => file.close()))),
  };
}

/** Lines from this one on that one read takes. */
function linesTogether({ starts, lengths, count }: LineIndex, from: number): number {
  const end = (line: number) => (starts[line] as number) + (lengths[line] as number);
  let to = from + 1;
  while (to < count && end(to) - (starts[from] as number) <= PIECE) ++to;
  return to - from;
}

async function readLines({ file, index, parse }: TextFile, from: number, count: number): Promise<string[]> {
  const { starts, lengths, numbers } = index;
  const last = from + count - 1;
  const begin = starts[from] as number;
  const bytes = Buffer.allocUnsafe((starts[last] as number) + (lengths[last] as number) - begin);
  await file.read(bytes, begin);
  return Array.from({ length: count }, (_, i) => {
    const at = (starts[from + i] as number) - begin;
    const line = bytes.toString('utf8', at, at + (lengths[from + i] as number));
    return parse(line, () => `${file.path}, line ${numbers[from + i]}`);
  });
}

function jsonText(field: string) {
  return (line: string, where: () => string): string => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw new GradsiftError('GRADSIFT_FORMAT', `${where()}: not JSON`, { cause });
    }
    const text = isRecord(value) ? value[field] : value;
    if (typeof text === 'string') return text;
    throw mismatch('GRADSIFT_FORMAT', where(), `a string, or an object with a string ${show(field)}`, text);
  };
}

async function indexLines(
  file: InputFile,
  signal: AbortSignal | undefined,
  onBytes: (done: number) => void,
): Promise<LineIndex> {
  const index = {
    count: 0,
    starts: new Float64Array(1024),
    lengths: new Uint32Array(1024),
    numbers: new Uint32Array(1024),
  };
  const piece = Buffer.alloc(Math.min(PIECE, file.bytes));
  let start = 0; // of the line that is being read
  let ink = -1; // its first byte that is no blank
  let number = 1;
  const finish = (end: number) => {
    if (ink >= 0) addLine(index, file.path, start, end, number);
    [start, ink] = [end + 1, -1];
    number += 1;
  };
  for (let position = 0; position < file.bytes; position += piece.length) {
    const bytes = piece.subarray(0, Math.min(piece.length, file.bytes - position));
    await file.read(bytes, position, () => signal?.throwIfAborted());
    if (position === 0 && bytes.indexOf('\uFEFF') === 0) start = 3;
    for (let at = start > position ? start - position : 0; at < bytes.length;) {
      const found = bytes.indexOf(NEWLINE, at);
      const end = found < 0 ? bytes.length : found;
      for (let byte = at; ink < 0 && byte < end; ++byte) {
        if ((bytes[byte] as number) > LAST_BLANK) ink = position + byte;
      }
      if (found >= 0) finish(position + found);
      at = end + 1;
    }
    onBytes(position + bytes.length);
  }
  if (start < file.bytes) finish(file.bytes);
  return index;
}

function addLine(index: LineIndex, path: string, start: number, end: number, number: number): void {
  const length = end - start;
  if (!(length <= LONGEST_LINE)) {
    throw mismatch('GRADSIFT_FORMAT', `${path}, line ${number}`, `at most ${LONGEST_LINE} bytes`, length);
  }
  const { count, starts } = index;
  if (count === starts.length) {
    index.starts = new Float64Array(2 * count);
    index.starts.set(starts);
    for (const name of ['lengths', 'numbers'] as const) {
      const before = index[name];
      index[name] = new Uint32Array(2 * count);
      index[name].set(before);
    }
  }
  index.starts[count] = start;
  index.lengths[count] = length;
  index.numbers[count] = number;
  index.count += 1;
}
