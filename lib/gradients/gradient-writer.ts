// A gradient store written as the gradients come, batch by batch: one tensor a layer, [samples, r, d], so that every
// batch goes to a place of its own in each of them.
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GradsiftError, mismatch, requireInteger, requireOneOf, show } from '../errors.js';
import { factoredRows, requireFactored, sampleSpans, type FactoredLayer } from './factored.js';
import { ioError } from './input-file.js';
import { ELEMENT_BYTES } from './layers.js';
import { narrow } from './narrow.js';
import { replaceFile } from './replace-file.js';
import { safetensorsHeader, type PlacedEntry } from './safetensors-header.js';
import type { StoredDtype } from './store.js';

/** What {@link openGradientWriter} will write. */
export interface GradientWriterOptions {
  /** Samples of the finished store. */
  readonly samples: number;
  /** Its layers: a CapturedGradients' will do. */
  readonly layers: readonly { readonly name: string; readonly r: number; readonly d: number }[];
  /** Default F32. F16 and BF16 are rounded to nearest. */
  readonly dtype?: Exclude<StoredDtype, 'F64'> | undefined;
  /** Kept in the file. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A store being written. */
export interface GradientWriter {
  readonly path: string;
  /** Samples that are in the file: after an interruption, where to go on. */
  readonly written: number;
  /** Adds the gradients of the next samples, all layers of them: factored, or rows [samples, r, d] by layer name. */
  append(batch: readonly FactoredLayer[] | Readonly<Record<string, Float32Array>>): Promise<void>;
  /** Gives the file its name, when it holds all samples. */
  finish(): Promise<void>;
  /** Stops before the end: what is written stays, and the next writer of the same store goes on from there. */
  close(): Promise<void>;
}

/** How long gradients may wait before they are made safe, so that a crash costs no more. */
const SAFE_EVERY_MS = 1000;

interface Journal {
  readonly written: number;
}

/**
 * Writes a safetensors store of per-sample gradients that {@link openGradients} and `gradsift influence` read. It is
 * built under another name beside `path` and appears whole, or not at all. A writer that was interrupted is resumed by
 * the same call: look at `written`.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT (also when what is there was begun with other options), GRADSIFT_SHAPE or
 *   GRADSIFT_NON_FINITE (a number too large for F16) naming layer and sample; GRADSIFT_IO
 */
export async function openGradientWriter(path: string, options: GradientWriterOptions): Promise<GradientWriter> {
  const { dtype = 'F32', metadata = {}, samples } = options;
  requireInteger('samples', samples, 1);
  requireOneOf('dtype', dtype, ['F32', 'F16', 'BF16']);
  const tensors = options.layers.map(({ name, r, d }) => {
    for (const [key, size] of Object.entries({ r, d })) requireInteger(`layer ${show(name)}: ${key}`, size, 1);
    return { name, dtype, shape: [samples, r, d] };
  });
  if (tensors.length === 0) throw mismatch('GRADSIFT_ARGUMENT', 'layers', 'at least one', options.layers);
  const { header, entries } = safetensorsHeader(tensors, metadata);
  if (new Set(entries.map(({ name }) => name)).size !== entries.length) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', 'layers: expected names that differ');
  }
  const partial = join(dirname(path), `.${basename(path)}.partial`);
  const journal = `${partial}.json`;
  const { handle, written } = await openPartial(path, partial, journal, header, entries);
  return createWriter({ path, partial, journal, handle, dataStart: header.length, samples, dtype, entries }, written);
}

interface Job {
  readonly path: string;
  readonly partial: string;
  readonly journal: string;
  readonly handle: FileHandle;
  readonly dataStart: number;
  readonly samples: number;
  readonly dtype: Exclude<StoredDtype, 'F64'>;
  readonly entries: readonly PlacedEntry[];
}

/** Opens what an earlier writer left, or begins. */
async function openPartial(
  path: string,
  partial: string,
  journal: string,
  header: Buffer,
  entries: readonly PlacedEntry[],
): Promise<{ handle: FileHandle; written: number }> {
  let handle: FileHandle | undefined;
  try {
    const kept = await readJournal(journal);
    if (kept !== undefined) {
      handle = await open(partial, 'r+');
      const found = Buffer.alloc(header.length);
      await handle.read(found, 0, found.length, 0);
      if (!found.equals(header)) {
        throw new GradsiftError(
          'GRADSIFT_ARGUMENT',
          `${path}: an earlier writer began it with other samples, layers, dtype or metadata: finish that, or remove ` +
            `${partial} and ${journal}`,
        );
      }
      return { handle, written: kept.written };
    }
    handle = await open(partial, 'w');
    const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    await writeAll(handle, header, 0);
    await handle.truncate(header.length + bytes);
    return { handle, written: 0 };
  } catch (error) {
    await handle?.close();
    throw (error as { code?: string }).code?.startsWith('GRADSIFT')
      ? error
      : ioError(partial, 'cannot be written', error);
  }
}

async function readJournal(journal: string): Promise<Journal | undefined> {
  const text = await readFile(journal, 'utf8').catch((error: unknown) => {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const parsed = JSON.parse(text) as Journal;
  requireInteger(`${journal}: written`, parsed.written, 0);
  return parsed;
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

function createWriter(job: Job, start: number): GradientWriter {
  const { path, partial, journal, handle, samples } = job;
  let written = start;
  let safe = start;
  let safeAt = performance.now();
  let open = true;

  async function makeSafe(): Promise<void> {
    await handle.datasync();
    await replaceFile(journal, [Buffer.from(JSON.stringify({ written } satisfies Journal))]);
    [safe, safeAt] = [written, performance.now()];
  }

  function requireOpen(): void {
    if (!open) throw new GradsiftError('GRADSIFT_IO', `${path}: the writer is closed`);
  }

  return {
    path,
    get written() {
      return written;
    },
    async append(batch) {
      requireOpen();
      const layers = batchLayers(job, batch, written);
      try {
        for (const layer of layers) await writeLayer(job, layer, written);
        written += (layers[0] as BatchLayer).samples;
        if (performance.now() - safeAt >= SAFE_EVERY_MS) await makeSafe();
      } catch (error) {
        throw error instanceof GradsiftError ? error : ioError(partial, 'cannot be written', error);
      }
    },
    async finish() {
      requireOpen();
      if (written !== samples) {
        throw new GradsiftError('GRADSIFT_SHAPE', `${path}: expected ${samples} samples, got ${written} so far`);
      }
      open = false;
      try {
        await handle.sync();
        await handle.close();
        await rename(partial, path);
        await rm(journal, { force: true });
      } catch (error) {
        throw ioError(path, 'cannot be written', error);
      }
    },
    async close() {
      if (!open) return;
      open = false;
      if (safe !== written) await makeSafe();
      await handle.close();
      if (written === 0) await rm(partial, { force: true });
    },
  };
}

interface BatchLayer {
  readonly entry: PlacedEntry;
  readonly samples: number;
  /** Rows of some samples of the batch. */
  rows(start: number, samples: number): Float32Array;
}

/** The batch, checked, in the order of the file. */
function batchLayers(
  { entries, samples }: Job,
  batch: readonly FactoredLayer[] | Readonly<Record<string, Float32Array>>,
  written: number,
): BatchLayer[] {
  const factored = Array.isArray(batch)
    ? new Map((batch as FactoredLayer[]).map((layer) => [layer.name, layer]))
    : null;
  const given = factored ? [...factored.keys()] : Object.keys(batch);
  const layers = entries.map((entry): BatchLayer => {
    const at = `batch: layer ${show(entry.name)}`;
    const [, r, d] = entry.shape as [number, number, number];
    if (factored) {
      const layer = factored.get(entry.name);
      if (!(layer?.r === r && layer.d === d)) {
        const actual = layer ? `${layer.r} x ${layer.d}` : 'none';
        throw new GradsiftError('GRADSIFT_SHAPE', `${at}: expected gradients ${r} x ${d}, got ${actual}`);
      }
      requireFactored(layer);
      return { entry, samples: layer.samples, rows: (start, count) => factoredRows(layer, { start, samples: count }) };
    }
    const rows = (batch as Readonly<Record<string, Float32Array>>)[entry.name];
    if (!(ArrayBuffer.isView(rows) && rows[Symbol.toStringTag] === 'Float32Array')) {
      throw mismatch('GRADSIFT_DTYPE', at, 'a Float32Array', rows);
    }
    const count = rows.length / (r * d);
    if (!(Number.isInteger(count) && count > 0)) throw mismatch('GRADSIFT_SHAPE', at, `rows of ${r} x ${d}`, rows);
    return { entry, samples: count, rows: (start, some) => rows.subarray(start * r * d, (start + some) * r * d) };
  });
  const unknown = given.find((name) => !entries.some((entry) => entry.name === name));
  if (unknown !== undefined) throw mismatch('GRADSIFT_SHAPE', 'batch', 'the layers of the store', unknown);
  const count = (layers[0] as BatchLayer).samples;
  for (const layer of layers) {
    if (layer.samples === count) continue;
    throw mismatch('GRADSIFT_SHAPE', `batch: layer ${show(layer.entry.name)}`, `${count} samples`, layer.samples);
  }
  if (written + count > samples) {
    throw mismatch('GRADSIFT_SHAPE', 'batch', `at most ${samples - written} samples more`, count);
  }
  return layers;
}

async function writeLayer({ handle, dataStart, dtype }: Job, layer: BatchLayer, written: number): Promise<void> {
  const { entry, samples } = layer;
  const [, r, d] = entry.shape as [number, number, number];
  const rowBytes = r * d * ELEMENT_BYTES[dtype];
  for (const { start, samples: count } of sampleSpans(samples, 4 * r * d)) {
    const rows = layer.rows(start, count);
    let stored: Float32Array | Uint16Array = rows;
    if (dtype !== 'F32') {
      stored = new Uint16Array(rows.length);
      const tooLarge = narrow(rows, dtype, stored);
      if (tooLarge >= 0) {
        const sample = written + start + Math.floor(tooLarge / (r * d));
        throw new GradsiftError(
          'GRADSIFT_NON_FINITE',
          `layer ${show(entry.name)}, sample ${sample}: ${rows[tooLarge]} is too large for ${dtype}`,
        );
      }
    }
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    await writeAll(handle, bytes, dataStart + entry.begin + (written + start) * rowBytes);
  }
}
