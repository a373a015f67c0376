// The safetensors header: u64 length N, N bytes of JSON, then data; tensor ranges count from byte 8 + N. Everything is
// checked here, before a byte of data is looked at. As the reference implementation does, this one refuses gaps between
// tensors and bytes behind the last: data that no tensor owns was put there by a faulty writer, or to hide something.
import { TextDecoder } from 'node:util';
import { GradsiftError, show } from '../errors.js';
import type { InputFile } from './input-file.js';
import { isRecord, parseJson } from './json.js';

/** As the reference implementation: a larger header is damage or an attack. */
export const MAX_HEADER_BYTES = 100_000_000;
/** { tensor: { shape: [ ] } } */
const HEADER_DEPTH = 3;

/** Bits of one element. Layers may have four of these types; the others are known so that they can be passed over. */
const ELEMENT_BITS: ReadonlyMap<string, number> = new Map([
  ...['F4'].map((name) => [name, 4] as const),
  ...['F6_E2M3', 'F6_E3M2'].map((name) => [name, 6] as const),
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E5M2FNUZ', 'F8_E4M3FNUZ'].map(
    (name) => [name, 8] as const,
  ),
  ...['I16', 'U16', 'F16', 'BF16'].map((name) => [name, 16] as const),
  ...['I32', 'U32', 'F32'].map((name) => [name, 32] as const),
  ...['I64', 'U64', 'F64', 'C64'].map((name) => [name, 64] as const),
]);

export interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes begin..end of the data section. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** File offset of the data section: 8 + N. */
  readonly dataStart: number;
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes. */
  readonly tensors: readonly StoredTensor[];
}

function broken(path: string, what: string, cause?: unknown): GradsiftError {
  return new GradsiftError('GRADSIFT_FORMAT', `${path}: ${what}`, cause === undefined ? {} : { cause });
}

/** Reads and checks the header. @throws GRADSIFT_FORMAT naming file, tensor and bytes; GRADSIFT_IO */
export async function readSafetensorsHeader(file: InputFile): Promise<SafetensorsHeader> {
  const { path, bytes } = file;
  if (bytes < 8) {
    throw broken(path, `not a safetensors file: expected a header length of 8 bytes, the file has ${bytes}`);
  }
  const field = new Uint8Array(8);
  await file.read(field, 0);
  const claimed = new DataView(field.buffer).getBigUint64(0, true);
  if (claimed > BigInt(bytes - 8)) {
    throw broken(path, `the header length field says ${claimed} bytes, the whole file has ${bytes}`);
  }
  if (claimed > BigInt(MAX_HEADER_BYTES)) {
    throw broken(path, `the header length field says ${claimed} bytes, the limit is ${MAX_HEADER_BYTES}`);
  }
  const header = new Uint8Array(Number(claimed));
  await file.read(header, 8);
  const dataStart = 8 + header.length;
  const entries = parseEntries(path, header);
  const metadata = checkMetadata(path, entries.get('__metadata__'));
  entries.delete('__metadata__');
  const tensors = [...entries].map(([name, entry]) => checkTensor(path, name, entry));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkRanges(path, tensors, bytes - dataStart);
  return { dataStart, metadata, tensors };
}

function parseEntries(path: string, header: Uint8Array): Map<string, unknown> {
  if (header[0] !== 0x7b) throw broken(path, 'the header does not start with "{"');
  let parsed: unknown;
  try {
    parsed = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(header), HEADER_DEPTH);
  } catch (error) {
    throw broken(path, `the header of ${header.length} bytes is not JSON in UTF-8: ${(error as Error).message}`, error);
  }
  return new Map(Object.entries(parsed as Record<string, unknown>));
}

function checkMetadata(path: string, metadata: unknown): ReadonlyMap<string, string> {
  if (metadata === undefined) return new Map();
  if (!isRecord(metadata)) throw broken(path, `__metadata__: expected an object of strings, got ${show(metadata)}`);
  const checked = new Map<string, string>();
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      throw broken(path, `__metadata__: expected a string for ${show(key)}, got ${show(value)}`);
    }
    checked.set(key, value);
  }
  return checked;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

/** The entry of one tensor: known type, a shape of sizes, and a range of exactly as many bytes as these two need. */
function checkTensor(path: string, name: string, entry: unknown): StoredTensor {
  const at = `tensor ${show(name)}`;
  if (!isRecord(entry)) throw broken(path, `${at}: expected { dtype, shape, data_offsets }, got ${show(entry)}`);
  const { dtype, shape, data_offsets: range } = entry;
  const bits = typeof dtype === 'string' ? ELEMENT_BITS.get(dtype) : undefined;
  if (typeof dtype !== 'string' || bits === undefined) {
    throw broken(path, `${at}: expected a dtype of ${[...ELEMENT_BITS.keys()].join(', ')}, got ${show(dtype)}`);
  }
  if (!(Array.isArray(shape) && shape.every(isSize))) {
    const got = Array.isArray(shape) ? `[${shape.map(show).join(', ')}]` : show(shape);
    throw broken(path, `${at}: expected a shape of integers >= 0, got ${got}`);
  }
  if (!(Array.isArray(range) && range.length === 2 && range.every(isSize))) {
    const got = Array.isArray(range) ? `[${range.map(show).join(', ')}]` : show(range);
    throw broken(path, `${at}: expected data_offsets of two integers >= 0, got ${got}`);
  }
  const [begin, end] = range as [number, number];
  const size = shape.reduce((product: number, length: number) => product * length, 1) * (bits / 8);
  if (!(Number.isSafeInteger(size) && end - begin === size)) {
    const needed = size <= Number.MAX_SAFE_INTEGER ? `${size} bytes` : 'more bytes than a file can have';
    throw broken(
      path,
      `${at}: ${dtype} [${shape.join(', ')}] needs ${needed}, its range ${begin}..${end} has ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Tensors in byte order must lie inside the data, end to end, and fill it. */
function checkRanges(path: string, tensors: readonly StoredTensor[], dataBytes: number): void {
  for (const { name, begin, end } of tensors) {
    if (end > dataBytes) {
      const has = `the file has ${dataBytes} bytes of data after its header`;
      throw broken(path, `tensor ${show(name)}: expected bytes ${begin}..${end}, ${has}: it is truncated or damaged`);
    }
  }
  let previous: StoredTensor | undefined;
  for (const tensor of tensors) {
    const covered = previous?.end ?? 0;
    if (previous && tensor.begin < covered) {
      const shared = `${tensor.begin}..${Math.min(covered, tensor.end)}`;
      throw broken(path, `tensors ${show(previous.name)} and ${show(tensor.name)} overlap: both claim bytes ${shared}`);
    }
    if (tensor.begin > covered) {
      throw broken(path, `bytes ${covered}..${tensor.begin} before tensor ${show(tensor.name)} belong to no tensor`);
    }
    previous = tensor;
  }
  const covered = previous?.end ?? 0;
  if (covered < dataBytes) throw broken(path, `bytes ${covered}..${dataBytes} of the data belong to no tensor`);
}
