// 10 000 damaged copies of a valid store: each loads what a second, independent reading of the format finds in it, or
// is refused with a clear error.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GradsiftError } from '../../lib/errors.js';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { bytesOf, safetensorsBytes } from './safetensors-bytes.js';
import { layerBytes } from './read-layer.js';
import { temporaryFolder } from './temporary-folder.js';

const MUTATIONS = 10_000;
/** Files being read at a time: opening is mostly waiting. */
const LANES = 16;
const folder = temporaryFolder();

function valid(): Buffer {
  return safetensorsBytes(
    {
      'layers.0.lora_A': {
        dtype: 'F32',
        shape: [3, 2, 4],
        bytes: bytesOf(Float32Array.from({ length: 24 }, Math.sin)),
      },
      'layers.0.lora_B': {
        dtype: 'F32',
        shape: [3, 2, 4],
        bytes: bytesOf(Float32Array.from({ length: 24 }, Math.cos)),
      },
      flat: { dtype: 'F64', shape: [3, 5], bytes: bytesOf(Float64Array.from({ length: 15 }, Math.exp)) },
    },
    { metadata: { split: 'train' }, pad: 2 },
  );
}

/** Repeatable random integers below `limit` (mulberry32). */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

type Random = ReturnType<typeof generator>;

const TOKENS = ['"', '{', '}', '[', ']', ',', ':', '0', '-', 'e9', '.', '1e400', 'null', '\\u0030', '9007199254740993'];

/** A copy with one change in the length field, the header or the length of the file. */
function mutate(original: Buffer, random: Random): Buffer {
  const headerEnd = 8 + Number(original.readBigUInt64LE(0));
  const bytes = Buffer.from(original);
  const at = 8 + random(headerEnd - 8);
  // A change that keeps the length field true, so that more than the first check is reached.
  const splice = (start: number, removed: number, inserted: Uint8Array): Buffer => {
    const changed = Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(start + removed)]);
    changed.writeBigUInt64LE(BigInt(headerEnd - 8 - removed + inserted.length));
    return changed;
  };
  const digits = [...bytes.subarray(8, headerEnd).entries()].filter(([, byte]) => byte >= 0x30 && byte <= 0x39);
  switch (random(11)) {
    case 0: // a bit of the length field
      bytes[random(8)]! ^= 1 << random(8);
      return bytes;
    case 1: // the low bytes of the length field
      bytes.writeUInt16LE(random(65536));
      return bytes;
    case 2: // a bit of the header
      bytes[at]! ^= 1 << random(8);
      return bytes;
    case 3: // a byte of the header
      bytes[at] = random(256);
      return bytes;
    case 4: {
      // a digit of a shape, an offset or a name
      const [index] = digits[random(digits.length)]!;
      bytes[8 + index] = 0x30 + random(10);
      return bytes;
    }
    case 5: // a digit more or less
      return splice(8 + digits[random(digits.length)]![0], random(2), Buffer.from(random(2) ? '1' : ''));
    case 6: // a token put in
      return splice(at, 0, Buffer.from(TOKENS[random(TOKENS.length)]!));
    case 7: {
      // a part of the header repeated or moved
      const part = Buffer.from(bytes.subarray(at, Math.min(headerEnd, at + random(80))));
      return splice(8 + random(headerEnd - 8), random(2) * part.length, part);
    }
    case 8: {
      // two neighbouring numbers swapped: the same product, another shape
      const first = random(digits.length - 1);
      const [i, j] = [8 + digits[first]![0], 8 + digits[first + 1]![0]];
      [bytes[i], bytes[j]] = [bytes[j]!, bytes[i]!];
      return bytes;
    }
    case 9: // cut short
      return bytes.subarray(0, random(bytes.length));
    default: // grown
      return Buffer.concat([bytes, Buffer.alloc(1 + random(40), random(256))]);
  }
}

interface Reading {
  readonly name: string;
  readonly shape: readonly number[];
  /** In hexadecimal. */
  readonly bytes: string;
}

/** The second reading. Layers in any order, or a reason why the bytes are no gradient store. */
function readIndependently(file: Buffer): Reading[] | string {
  if (file.length < 8) return 'length field';
  const header = file.readBigUInt64LE(0);
  if (header > BigInt(file.length - 8)) return 'header length';
  const text = file.subarray(8, 8 + Number(header));
  if (text[0] !== 0x7b || !Buffer.from(text.toString('utf8')).equals(text)) return 'not text';
  let parsed: Json;
  try {
    parsed = parseStrictly(text.toString('utf8'));
  } catch {
    return 'not JSON';
  }
  const data = file.subarray(8 + text.length);
  const painted = new Uint8Array(data.length); // how many tensors own each byte
  const readings: Reading[] = [];
  for (const [name, value] of parsed as Map<string, Json>) {
    if (name === '__metadata__') {
      if (!(value instanceof Map && [...value.values()].every((item) => typeof item === 'string'))) return 'metadata';
      continue;
    }
    const [dtype, shape, range] = ['dtype', 'shape', 'data_offsets'].map(
      (key) => value instanceof Map && value.get(key),
    );
    const width = dtype === 'F32' ? 4 : dtype === 'F64' ? 8 : dtype === 'F16' || dtype === 'BF16' ? 2 : 0;
    if (!isNaturals(shape) || !isNaturals(range) || range.length !== 2 || width === 0) return 'entry';
    if (!(shape.length === 2 || shape.length === 3) || shape.includes(0)) return 'rank';
    const [begin, end] = range as [number, number];
    const size = shape.reduce((product, length) => product * BigInt(length), BigInt(width));
    if (BigInt(end) - BigInt(begin) !== size || end > data.length) return 'range';
    for (let at = begin; at < end; at++) painted[at]!++;
    readings.push({
      name,
      shape: shape.length === 2 ? [shape[0]!, 1, shape[1]!] : shape,
      bytes: data.toString('hex', begin, end),
    });
  }
  if (painted.some((owners) => owners !== 1)) return 'not covered exactly once';
  if (readings.length === 0 || new Set(readings.map(({ shape }) => shape[0])).size > 1) return 'samples';
  return readings;
}

function isNaturals(value: unknown): value is number[] {
  return (
    Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0 && 1 / item > 0)
  );
}

type Json = string | number | boolean | null | Json[] | Map<string, Json>;

/** Recursive descent over the JSON grammar; an object becomes a Map, a repeated key is an error. */
function parseStrictly(text: string): Json {
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const [token] = pattern.exec(text) ?? [];
    at += token?.length ?? 0;
    return token;
  };
  const expect = (pattern: RegExp): string => {
    const token = take(pattern);
    if (token === undefined) throw new Error(`at ${at}`);
    return token;
  };
  const space = () => take(/[ \t\n\r]*/y);
  const string = () => JSON.parse(expect(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y)) as string;
  function value(depth: number): Json {
    space();
    const next = text[at];
    if ((next === '{' || next === '[') && depth === 3) throw new Error('depth');
    if (next === '{') return list('}', depth, new Map<string, Json>());
    if (next === '[') return list(']', depth, []);
    if (next === '"') return string();
    const word = take(/true|false|null/y);
    if (word !== undefined) return word === 'null' ? null : word === 'true';
    return Number(expect(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y));
  }
  function list(close: string, depth: number, into: Json[] | Map<string, Json>): Json {
    at++;
    space();
    for (let first = true; text[at] !== close; first = false) {
      if (!first) expect(/,/y);
      space();
      if (Array.isArray(into)) into.push(value(depth + 1));
      else {
        const key = string();
        if (into.has(key)) throw new Error('repeated');
        space();
        expect(/:/y);
        into.set(key, value(depth + 1));
      }
      space();
    }
    at++;
    return into;
  }
  const result = value(0);
  space();
  if (at !== text.length) throw new Error(`more at ${at}`);
  return result;
}

/** What the product reads, in the form of the second reading. */
async function readWithProduct(path: string): Promise<Reading[]> {
  const store = await openGradients(path);
  try {
    const readings = [];
    for (const { name, samples, r, d } of store.layers) {
      readings.push({ name, shape: [samples, r, d], bytes: (await layerBytes(store, name, 2)).toString('hex') });
    }
    return readings;
  } finally {
    await store.close();
  }
}

const byName = (a: Reading, b: Reading) => (a.name < b.name ? -1 : 1);

/** What became of one mutation; throws where the product and the second reading disagree. */
async function check(path: string, bytes: Buffer): Promise<string> {
  writeFileSync(path, bytes);
  const expected = readIndependently(bytes);
  const outcome = await readWithProduct(path).catch((error: unknown) => error as GradsiftError);
  if (Array.isArray(outcome)) {
    if (typeof expected === 'string') throw new Error(`loaded, though broken: ${expected}`);
    expect(outcome.sort(byName)).toEqual(expected.sort(byName));
    return 'loaded';
  }
  if (!/^GRADSIFT_(FORMAT|SHAPE|DTYPE)$/.test(outcome.code) || !outcome.message.includes(path)) throw outcome;
  if (typeof expected !== 'string') throw new Error('refused, though valid', { cause: outcome });
  return expected;
}

test(`${MUTATIONS} mutations load correctly or are refused`, async () => {
  const original = valid();
  const random = generator(20_251);
  const outcomes = new Map<string, number>();
  const memory = process.memoryUsage().arrayBuffers;
  let mutation = 0;
  async function lane(_: unknown, index: number): Promise<void> {
    const path = join(folder, `mutated-${index}.safetensors`);
    while (mutation++ < MUTATIONS) {
      const outcome = await check(path, mutate(original, random));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane));
  // Each kind of damage occurs, or the test has gone blind.
  expect([...outcomes.keys()].sort()).toEqual([
    'entry',
    'header length',
    'length field',
    'loaded',
    'not JSON',
    'not covered exactly once',
    'not text',
    'range',
    'rank',
    'samples',
  ]);
  expect(outcomes.get('loaded')).toBeGreaterThan(MUTATIONS / 20);
  expect([...outcomes.values()].reduce((sum, count) => sum + count)).toBe(MUTATIONS);
  expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(64 << 20);
}, 120_000);
