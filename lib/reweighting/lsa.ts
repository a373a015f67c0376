// Latent semantic analysis: an embedding of texts with no model to download (Deerwester, Dumais, Furnas, Landauer and
// Harshman 1990). Texts are rows of weighted counts of hashed n-grams,
//
//     x_b = (1 + ln count_b) (1 + ln((1 + n) / (1 + n_b))),   then ||x|| = 1
//
// with n_b of the n texts having bucket b; A = U S V' of these rows, cut to d dimensions, embeds any text as x V. The
// row of a text that the model was fitted on is its row of U S, so that inner products are those of the best
// approximation of A of rank d.
import { setImmediate } from 'node:timers/promises';
import { GradsiftError, mismatch, requireInteger } from '../errors.js';
import { sparseProductAsync, type SparseRows } from '../linalg/sparse-product.js';
import { namedSeed, random, seeded } from '../random.js';
import { embedTexts, requireTexts, type SentenceEncoder, type Texts } from './embed-texts.js';
import { randomizedSvd } from './randomized-svd.js';
import {
  featureCounter,
  requireTextFeatures,
  type FeatureCounts,
  type NGramRange,
  type TextFeatures,
} from './text-features.js';

/** Options of {@link fitLsa}. */
export interface LsaOptions {
  /** Of the hash, the texts that are drawn and the start of the decomposition: integer >= 0. */
  readonly seed: number;
  /** Buckets that n-grams are hashed to, 1 .. 2^24; default 65536. */
  readonly features?: number | undefined;
  /** n-grams of words; default [1, 2], null for none. */
  readonly words?: NGramRange | null | undefined;
  /** n-grams of characters, for scripts without blanks; default null: none. */
  readonly characters?: NGramRange | null | undefined;
  /** Whether letters are brought to lower case; default true. */
  readonly lowercase?: boolean | undefined;
  /** d: numbers of an embedding, >= 1; default 128. Those beyond the rank of the texts are zeros. */
  readonly dimensions?: number | undefined;
  /** Texts to fit on, drawn at random and held in memory as counts; default 65536. All texts count for the weights. */
  readonly samples?: number | undefined;
  /** Directions that the decomposition carries beyond d; default 16. */
  readonly oversample?: number | undefined;
  /** Steps that sharpen it; default 2. */
  readonly powerIterations?: number | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LsaProgress) => void) | undefined;
}

/** Where a fit is: reading texts (how many there are is not known), then products of the decomposition. */
export interface LsaProgress {
  readonly phase: 'texts' | 'products';
  readonly done: number;
  readonly of: number | null;
}

/** A fitted embedding: plain data. */
export interface LsaModel extends TextFeatures {
  readonly dimensions: number;
  /** Texts that it was fitted on. */
  readonly texts: number;
  /** [features]: 1 + ln((1 + n) / (1 + n_b)). */
  readonly weights: Float64Array;
  /** V, [features][dimensions]. */
  readonly projection: Float32Array;
  /** S, [dimensions], descending: of the texts that were drawn. */
  readonly singularValues: Float64Array;
}

/** Characters read before the event loop gets its turn. */
const TURN = 2 ** 17;

function settingsOf(options: LsaOptions) {
  const { seed, features = 2 ** 16, words = [1, 2], characters = null, lowercase = true } = options;
  const { dimensions = 128, samples = 2 ** 16, oversample = 16, powerIterations = 2 } = options;
  const text: TextFeatures = { features, words, characters, lowercase, seed };
  requireTextFeatures(text);
  requireInteger('dimensions', dimensions, 1, features);
  requireInteger('samples', samples, 1);
  requireInteger('oversample', oversample, 0);
  requireInteger('powerIterations', powerIterations, 0);
  return { text, dimensions, samples, oversample, powerIterations };
}

/**
 * Fits an embedding to texts: one pass over them, any number. The same model for a seed, on any number of threads.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, also when there is no text, or not one word in all of them
 */
export async function fitLsa(texts: Texts, options: LsaOptions): Promise<LsaModel> {
  const { text, dimensions, samples, oversample, powerIterations } = settingsOf(options);
  const { threads, signal, onProgress } = options;
  const { features, seed } = text;
  const { drawn, textsWith, count } = await readTexts(texts, text, samples, options);
  const weights = Float64Array.from(textsWith, (having) => 1 + Math.log((1 + count) / (1 + having)));
  const { values: singularValues, vectors: projection } = await randomizedSvd(
    weighted(drawn, weights),
    random(seeded(namedSeed(seed, 'decomposition'))),
    {
      rank: dimensions,
      oversample: Math.min(oversample, features - dimensions),
      powerIterations,
      threads,
      signal,
      onProduct: (done, of) => onProgress?.({ phase: 'products', done, of }),
    },
  );
  return { ...text, dimensions, texts: count, weights, projection, singularValues };
}

/** Options of {@link lsaEmbeddings}. */
export interface LsaEmbeddingsOptions {
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly done: number }) => void) | undefined;
}

/**
 * Embeds texts: x V, row-major [texts][dimensions], not brought to length 1. A text without words is a row of zeros.
 * @throws GradsiftError GRADSIFT_ARGUMENT
 */
export async function lsaEmbeddings(
  model: LsaModel,
  texts: Texts,
  { threads, signal, onProgress }: LsaEmbeddingsOptions = {},
): Promise<Float32Array> {
  return (await embedTexts(lsaEncoder(model, { threads, signal }), texts, { signal, onProgress })).rows;
}

/** A model as an encoder for {@link embedTexts} and writeEmbeddings. */
export function lsaEncoder(
  model: LsaModel,
  { threads, signal }: Pick<LsaEmbeddingsOptions, 'threads' | 'signal'> = {},
): SentenceEncoder {
  const { dimensions, weights, projection } = model;
  const counter = featureCounter(model);
  return async (texts) =>
    sparseProductAsync(weighted(texts.map(counter), weights), projection, { width: dimensions, threads, signal });
}

/** Counts of at most `samples` texts, each text with the same chance (reservoir sampling), and of all: who has what. */
async function readTexts(
  texts: Texts,
  settings: TextFeatures,
  samples: number,
  { signal, onProgress }: LsaOptions,
): Promise<{ drawn: FeatureCounts[]; textsWith: Uint32Array; count: number }> {
  requireTexts(texts);
  const counter = featureCounter(settings);
  const cursor = random(seeded(namedSeed(settings.seed, 'texts')));
  const drawn: FeatureCounts[] = [];
  const textsWith = new Uint32Array(settings.features);
  let count = 0;
  let read = 0;
  for await (const text of texts) {
    if (typeof text !== 'string') throw mismatch('GRADSIFT_ARGUMENT', `text ${count}`, 'a string', text);
    const counts = counter(text);
    for (const bucket of counts.buckets) textsWith[bucket]! += 1;
    if (count < samples) drawn.push(counts);
    else {
      const place = cursor.below(count + 1);
      if (place < samples) drawn[place] = counts;
    }
    count += 1;
    read += text.length + 1;
    if (read < TURN) continue;
    read = 0;
    onProgress?.({ phase: 'texts', done: count, of: null });
    await setImmediate();
    signal?.throwIfAborted();
  }
  if (!drawn.some(({ buckets }) => buckets.length > 0)) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `texts: expected words to learn from, got ${count} texts without any`);
  }
  return { drawn, textsWith, count };
}

/** The rows x of the texts. */
function weighted(texts: readonly FeatureCounts[], weights: Float64Array): SparseRows {
  const starts = new Uint32Array(texts.length + 1);
  texts.forEach(({ buckets }, i) => (starts[i + 1] = (starts[i] as number) + buckets.length));
  const entries = starts[texts.length] as number;
  const indices = new Uint32Array(entries);
  const values = new Float32Array(entries);
  texts.forEach(({ buckets, counts }, i) => {
    const first = starts[i] as number;
    indices.set(buckets, first);
    let square = 0;
    buckets.forEach((bucket, e) => {
      const value = (1 + Math.log(counts[e] as number)) * (weights[bucket] as number);
      values[first + e] = value;
      square += value * value;
    });
    const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let e = first; e < first + buckets.length; ++e) values[e]! *= scale;
  });
  return { rows: texts.length, columns: weights.length, starts, indices, values };
}
