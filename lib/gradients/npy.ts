// The .npy header: magic, version, length, then a Python dict of three known keys, read by a parser that knows no more
// than that. Fortran order and big-endian numbers are refused: numpy.ascontiguousarray and .astype('<f4') mend them.
import { TextDecoder } from 'node:util';
import { GradsiftError, show } from '../errors.js';
import type { InputFile } from './input-file.js';
import type { StoredDtype } from './store.js';

/** NumPy itself refuses to parse more than 10 000 characters; headers of plain arrays have about 100. */
const MAX_HEADER_BYTES = 10_000;
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

const DTYPES: Readonly<Record<string, StoredDtype>> = { '<f2': 'F16', '<f4': 'F32', '<f8': 'F64' };
const ITEM_BYTES: Readonly<Record<string, number>> = { '<f2': 2, '<f4': 4, '<f8': 8 };

export interface NpyHeader {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** File offset of the first element. */
  readonly dataStart: number;
}

function broken(path: string, what: string, cause?: unknown): GradsiftError {
  return new GradsiftError('GRADSIFT_FORMAT', `${path}: ${what}`, cause === undefined ? {} : { cause });
}

/** Reads and checks the header. @throws GRADSIFT_FORMAT, GRADSIFT_DTYPE, GRADSIFT_IO, naming the file */
export async function readNpyHeader(file: InputFile): Promise<NpyHeader> {
  const { path, bytes } = file;
  const start = new Uint8Array(Math.min(12, bytes));
  await file.read(start, 0);
  if (!(start.length >= 10 && MAGIC.every((byte, index) => start[index] === byte))) {
    throw broken(path, `not an .npy file: expected it to begin with \\x93NUMPY, a version and a header length`);
  }
  const view = new DataView(start.buffer);
  const [major, minor] = [view.getUint8(6), view.getUint8(7)];
  if (!(major >= 1 && major <= 3 && minor === 0)) {
    throw broken(path, `expected .npy version 1.0, 2.0 or 3.0, got ${major}.${minor}`);
  }
  const headerStart = major === 1 ? 10 : 12;
  const claimed = major === 1 ? view.getUint16(8, true) : start.length === 12 ? view.getUint32(8, true) : 0;
  if (!(claimed <= bytes - headerStart)) {
    throw broken(path, `the header length field says ${claimed} bytes, the whole file has ${bytes}`);
  }
  if (!(claimed <= MAX_HEADER_BYTES)) {
    throw broken(path, `the header length field says ${claimed} bytes, the limit is ${MAX_HEADER_BYTES}`);
  }
  const header = new Uint8Array(claimed);
  await file.read(header, headerStart);
  const { descr, fortranOrder, shape } = parseHeader(path, header);
  const dtype = Object.hasOwn(DTYPES, descr) ? DTYPES[descr] : undefined;
  if (dtype === undefined) {
    const hint = descr.endsWith('V2') ? ' (bfloat16 has no .npy type: store it as safetensors)' : '';
    throw new GradsiftError(
      'GRADSIFT_DTYPE',
      `${path}: expected descr '<f4', '<f8' or '<f2', got ${show(descr)}${hint}`,
    );
  }
  if (fortranOrder) {
    throw broken(path, 'stored in Fortran order (columns first): save numpy.ascontiguousarray(array) instead');
  }
  const dataStart = headerStart + claimed;
  const size = shape.reduce((product, length) => product * length, 1) * (ITEM_BYTES[descr] as number);
  if (!(Number.isSafeInteger(size) && size === bytes - dataStart)) {
    const needed = Number.isSafeInteger(size) ? `${size} bytes` : 'more bytes than a file can have';
    throw broken(
      path,
      `${descr} [${shape.join(', ')}] needs ${needed}, the file has ${bytes - dataStart} after its header`,
    );
  }
  return { dtype, shape, dataStart };
}

interface HeaderDict {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** One `'key': value` of the dict, with the comma behind it: a string, a boolean or a tuple of integers. */
const ENTRY = /\s*(['"])(\w+)\1\s*:\s*(?:(['"])([^'"\\]*)\3|(True|False)|\(([\d\s,L]*)\))\s*(,|$)/y;

function parseHeader(path: string, header: Uint8Array): HeaderDict {
  const found = new Map<string, string | boolean | number[]>();
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(header).trim();
    if (!(text.startsWith('{') && text.endsWith('}'))) throw new Error('expected { ... }');
    const body = text.slice(1, -1).trim();
    for (ENTRY.lastIndex = 0; ENTRY.lastIndex < body.length;) {
      const at = ENTRY.lastIndex;
      const match = ENTRY.exec(body);
      if (!match) throw new Error(`cannot read ${show(body.slice(at))}`);
      const [, , key = '', , string, boolean, tuple] = match;
      if (found.has(key)) throw new Error(`key ${show(key)} is given twice`);
      found.set(key, string ?? (boolean === undefined ? parseTuple(tuple ?? '') : boolean === 'True'));
    }
    const [descr, fortranOrder, shape] = ['descr', 'fortran_order', 'shape'].map((key) => found.get(key));
    if (found.size !== 3 || typeof descr !== 'string' || typeof fortranOrder !== 'boolean' || !Array.isArray(shape)) {
      throw new Error(`expected descr (a plain type), fortran_order and shape, got ${[...found.keys()].join(', ')}`);
    }
    return { descr, fortranOrder, shape };
  } catch (error) {
    throw broken(path, `cannot read the .npy header: ${(error as Error).message}`, error);
  }
}

/** "3, 4, 5", "3," or "": Python 2 wrote a long as 3L. */
function parseTuple(text: string): number[] {
  const items = text.trim() === '' ? [] : text.replace(/,\s*$/, '').split(',');
  const shape = items.map((item) => (/^\s*\d+L?\s*$/.test(item) ? Number.parseInt(item, 10) : Number.NaN));
  const single = items.length === 1 && !text.includes(',');
  if (single || !shape.every((length) => Number.isSafeInteger(length))) throw new Error(`(${text}) is not a shape`);
  return shape;
}
