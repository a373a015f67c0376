// Embeddings of texts by any encoder: a sentence encoder of the caller's, or lsaEncoder.
import { GradsiftError, mismatch, requireInteger } from '../errors.js';
import { replaceFile } from '../gradients/replace-file.js';
import { npyHeader } from '../gradients/write-npy.js';

/** Texts that may come from anywhere, one after the other. */
export type Texts = Iterable<string> | AsyncIterable<string>;

/** @throws GRADSIFT_ARGUMENT; a string, too, would iterate: by its characters */
export function requireTexts(texts: Texts): void {
  const source =
    typeof texts === 'object' && texts !== null && (Symbol.iterator in texts || Symbol.asyncIterator in texts);
  if (!source) throw mismatch('GRADSIFT_ARGUMENT', 'texts', 'an array or another iterable of strings', texts);
}

/** Turns texts into as many rows of numbers, [texts][dimensions], the same dimensions for all calls. */
export type SentenceEncoder = (texts: string[]) => Promise<Float32Array> | Float32Array;

/** Options of {@link embedTexts}. */
export interface EmbedTextsOptions {
  /** Texts that the encoder gets at once; default 256. */
  readonly batch?: number | undefined;
  /** What the encoder's rows must have; default: what the first ones have. */
  readonly dimensions?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly done: number }) => void) | undefined;
}

/** Embeddings in memory. */
export interface Embeddings {
  /** [samples][dimensions]: a layer for openGradients. */
  readonly rows: Float32Array;
  readonly samples: number;
  readonly dimensions: number;
}

/**
 * Embeds texts, batch by batch, and checks what the encoder answers.
 * @throws GradsiftError GRADSIFT_ARGUMENT for no texts; GRADSIFT_DTYPE, GRADSIFT_SHAPE or GRADSIFT_NON_FINITE for rows
 * that are not finite numbers, one row a text, always as many
 */
export async function embedTexts(
  encoder: SentenceEncoder,
  texts: Texts,
  options: EmbedTextsOptions = {},
): Promise<Embeddings> {
  const blocks: Float32Array[] = [];
  const found = { samples: 0, dimensions: 0 };
  for await (const block of encoded(encoder, texts, options, found)) blocks.push(block.slice());
  const rows = new Float32Array(found.samples * found.dimensions);
  let at = 0;
  for (const block of blocks) {
    rows.set(block, at);
    at += block.length;
  }
  return { rows, ...found };
}

/**
 * As {@link embedTexts}, into an .npy file that appears whole or not at all; no more than a batch is in memory.
 * @throws GradsiftError as embedTexts; GRADSIFT_IO
 */
export async function writeEmbeddings(
  path: string,
  encoder: SentenceEncoder,
  texts: Texts,
  options: EmbedTextsOptions = {},
): Promise<Omit<Embeddings, 'rows'>> {
  if (!(typeof path === 'string' && path.endsWith('.npy'))) {
    throw mismatch('GRADSIFT_ARGUMENT', 'path', 'one that ends in .npy', path);
  }
  const found = { samples: 0, dimensions: 0 };
  const header = () => npyHeader([found.samples, found.dimensions], Float32Array.BYTES_PER_ELEMENT);
  await replaceFile(path, encoded(encoder, texts, options, found), options.signal, header);
  return found;
}

/** Blocks of rows, counted in `found`. */
async function* encoded(
  encoder: SentenceEncoder,
  texts: Texts,
  { batch = 256, dimensions, signal, onProgress }: EmbedTextsOptions,
  found: { samples: number; dimensions: number },
): AsyncGenerator<Float32Array> {
  if (typeof encoder !== 'function') throw mismatch('GRADSIFT_ARGUMENT', 'encoder', 'a function', encoder);
  requireInteger('batch', batch, 1);
  if (dimensions !== undefined) requireInteger('dimensions', dimensions, 1);
  for await (const some of batches(texts, batch)) {
    signal?.throwIfAborted();
    const rows = await encoder(some);
    found.dimensions ||= dimensions ?? (rows?.length ?? 0) / some.length;
    requireRows(rows, some.length, found);
    found.samples += some.length;
    yield rows;
    onProgress?.({ done: found.samples });
  }
  if (found.samples === 0) throw new GradsiftError('GRADSIFT_ARGUMENT', 'texts: expected at least one');
}

/** Texts, some at a time. @throws GRADSIFT_ARGUMENT for what is no text */
export async function* batches(texts: Texts, batch: number): AsyncGenerator<string[]> {
  requireTexts(texts);
  let count = 0;
  let some: string[] = [];
  for await (const text of texts) {
    if (typeof text !== 'string') throw mismatch('GRADSIFT_ARGUMENT', `text ${count}`, 'a string', text);
    some.push(text);
    count += 1;
    if (some.length < batch) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

function requireRows(rows: Float32Array, count: number, { samples, dimensions }: Omit<Embeddings, 'rows'>): void {
  const at = `encoder: texts ${samples} .. ${samples + count - 1}`;
  if (!(ArrayBuffer.isView(rows) && rows[Symbol.toStringTag] === 'Float32Array')) {
    throw mismatch('GRADSIFT_DTYPE', at, 'a Float32Array', rows);
  }
  if (!(Number.isInteger(dimensions) && dimensions > 0 && rows.length === count * dimensions)) {
    const each = Number.isInteger(dimensions) && dimensions > 0 ? ` of ${dimensions} numbers` : '';
    throw mismatch('GRADSIFT_SHAPE', at, `${count} rows${each}`, rows);
  }
  const bad = rows.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const text = samples + Math.floor(bad / dimensions);
  throw new GradsiftError('GRADSIFT_NON_FINITE', `encoder: the row of text ${text} holds NaN or infinity`);
}
