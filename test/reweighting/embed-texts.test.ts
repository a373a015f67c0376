import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openGradients } from '../../lib/gradients/open-gradients.js';
import { embedTexts, writeEmbeddings, type SentenceEncoder } from '../../lib/reweighting/embed-texts.js';
import { layerBytes } from '../gradients/read-layer.js';
import { rejection } from '../gradients/rejection.js';
import { temporaryFolder } from '../gradients/temporary-folder.js';

const FOLDER = temporaryFolder();
const TEXTS = Array.from({ length: 10 }, (_, i) => 'x'.repeat(i));
/** Length of a text, and 1. */
const lengths: SentenceEncoder = (texts) =>
  Promise.resolve(Float32Array.from(texts.flatMap((text) => [text.length, 1])));
const EXPECTED = Float32Array.from(TEXTS.flatMap((_, i) => [i, 1]));

test('an encoder gets batches, in order; its rows come back side by side', async () => {
  const sizes: number[] = [];
  const done: number[] = [];
  const encoder: SentenceEncoder = (texts) => {
    sizes.push(texts.length);
    return lengths(texts);
  };
  const found = await embedTexts(encoder, TEXTS, { batch: 4, onProgress: (progress) => done.push(progress.done) });
  expect(found).toEqual({ rows: EXPECTED, samples: 10, dimensions: 2 });
  expect(sizes).toEqual([4, 4, 2]);
  expect(done).toEqual([4, 8, 10]);
});

test('one that answers in the same array each time', async () => {
  const own = new Float32Array(2);
  const encoder: SentenceEncoder = ([text]) => {
    own.set([text?.length ?? 0, 1]);
    return own;
  };
  expect((await embedTexts(encoder, TEXTS, { batch: 1 })).rows).toEqual(EXPECTED);
});

test('into a file, from a stream', async () => {
  const path = join(FOLDER, 'x.npy');
  const stream = async function* () {
    for (const text of TEXTS) yield await Promise.resolve(text);
  };
  expect(await writeEmbeddings(path, lengths, stream(), { batch: 3 })).toEqual({ samples: 10, dimensions: 2 });
  const store = await openGradients(path);
  expect(store.layers[0]).toMatchObject({ samples: 10, r: 1, d: 2 });
  const rows = await layerBytes(store, store.layers[0]?.name ?? '');
  expect(rows.equals(Buffer.from(EXPECTED.buffer))).toBe(true);
  await store.close();
});

const bad: SentenceEncoder = (texts) => Float32Array.from(texts, (text) => (text.length === 5 ? NaN : 1));
test.each<[string, string, SentenceEncoder, Parameters<typeof embedTexts>[1], object]>([
  ['no texts', 'GRADSIFT_ARGUMENT', lengths, [], {}],
  ['one string instead of several', 'GRADSIFT_ARGUMENT', lengths, 'one two', {}],
  ['a text that is none', 'GRADSIFT_ARGUMENT', lengths, ['a', undefined as never], {}],
  ['no encoder', 'GRADSIFT_ARGUMENT', undefined as never, TEXTS, {}],
  ['a batch of 0', 'GRADSIFT_ARGUMENT', lengths, TEXTS, { batch: 0 }],
  ['dimensions of 0', 'GRADSIFT_ARGUMENT', lengths, TEXTS, { dimensions: 0 }],
  ['a list for rows', 'GRADSIFT_DTYPE', () => [1] as never, TEXTS, {}],
  ['nothing for rows', 'GRADSIFT_DTYPE', () => undefined as never, TEXTS, {}],
  ['rows of no numbers', 'GRADSIFT_SHAPE', () => new Float32Array(0), TEXTS, {}],
  ['a row too few', 'GRADSIFT_SHAPE', () => new Float32Array(3), TEXTS, { batch: 4 }],
  ['other dimensions than asked for', 'GRADSIFT_SHAPE', lengths, TEXTS, { dimensions: 3 }],
  ['dimensions that change', 'GRADSIFT_SHAPE', () => new Float32Array(8), TEXTS, { batch: 4 }],
  ['NaN', 'GRADSIFT_NON_FINITE', bad, TEXTS, { batch: 4 }],
])('bad input: %s', async (_, code, encoder, texts, options) => {
  expect((await rejection(embedTexts(encoder, texts, options))).code).toBe(code);
  const folder = await mkdtemp(join(FOLDER, 'none-'));
  expect((await rejection(writeEmbeddings(join(folder, 'x.npy'), encoder, texts, options))).code).toBe(code);
  expect(await readdir(folder)).toEqual([]);
});

test('errors of the encoder and aborts come through; the row that is not finite is named', async () => {
  const failing: SentenceEncoder = () => Promise.reject(new Error('no such model'));
  expect((await rejection(embedTexts(failing, TEXTS))).message).toBe('no such model');
  expect((await rejection(embedTexts(lengths, TEXTS, { signal: AbortSignal.abort(new Error('no')) }))).message).toBe(
    'no',
  );
  expect((await rejection(embedTexts(bad, TEXTS, { batch: 2 }))).message).toContain('text 5');
  expect((await rejection(writeEmbeddings('x.bin', lengths, TEXTS))).code).toBe('GRADSIFT_ARGUMENT');
});
