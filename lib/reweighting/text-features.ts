// Texts as counts of hashed n-grams: no vocabulary to learn, keep or ship. A text is a sparse row whose columns are
// buckets of a hash; two n-grams that share a bucket are taken for one.
//
// A word is a run of letters, digits, marks and underscores; every other visible character is a word of its own, which
// tells code from prose. Scripts that do not part their words want n-grams of characters.
import { mismatch, requireInteger } from '../errors.js';
import { namedSeed } from '../random.js';

/** Shortest and longest n-gram. */
export type NGramRange = readonly [shortest: number, longest: number];

/** How texts become counts. */
export interface TextFeatures {
  /** Buckets of the hash, 1 .. 2^24. */
  readonly features: number;
  /** n-grams of words, or null for none. */
  readonly words: NGramRange | null;
  /** n-grams of UTF-16 units, runs of blanks as one space, or null for none. */
  readonly characters: NGramRange | null;
  /** Whether letters are brought to lower case. */
  readonly lowercase: boolean;
  /** Of the hash, an integer >= 0. */
  readonly seed: number;
}

/** Buckets of a text, ascending, and how often each came up. */
export interface FeatureCounts {
  readonly buckets: Uint32Array;
  readonly counts: Uint32Array;
}

/** Longer n-grams name single texts. */
const LONGEST = 16;

/** @throws GRADSIFT_ARGUMENT */
export function requireTextFeatures({ features, words, characters, lowercase, seed }: TextFeatures): void {
  requireInteger('features', features, 1, 2 ** 24);
  for (const [name, range] of Object.entries({ words, characters })) {
    if (range === null) continue;
    if (!(Array.isArray(range) && range.length === 2)) {
      throw mismatch('GRADSIFT_ARGUMENT', name, '[shortest, longest] or null', range);
    }
    requireInteger(`${name}[0]`, range[0], 1, LONGEST);
    requireInteger(`${name}[1]`, range[1], range[0], LONGEST);
  }
  if (words === null && characters === null) {
    throw mismatch('GRADSIFT_ARGUMENT', 'characters', 'n-grams of words, of characters, or of both', null);
  }
  if (typeof lowercase !== 'boolean') throw mismatch('GRADSIFT_ARGUMENT', 'lowercase', 'true or false', lowercase);
  requireInteger('seed', seed, 0);
}

/** A function that counts the n-grams of one text. It keeps a counter for each bucket, zeros between calls. */
export function featureCounter(settings: TextFeatures): (text: string) => FeatureCounts {
  const { features, words, characters, lowercase, seed } = settings;
  const counters = new Uint32Array(features);
  let touched = new Uint32Array(1024);
  let size = 0;
  const add = (hash: number) => {
    const bucket = scramble(hash) % features;
    if (counters[bucket]!++ > 0) return;
    if (size === touched.length) {
      const larger = new Uint32Array(2 * size);
      larger.set(touched);
      touched = larger;
    }
    touched[size++] = bucket;
  };
  const wordBasis = namedSeed(seed, 'words') | 0;
  const characterBasis = namedSeed(seed, 'characters') | 0;
  return (text) => {
    const read = lowercase ? text.toLowerCase() : text;
    size = 0;
    if (words !== null) addWords(read, words, wordBasis, add);
    if (characters !== null) addCharacters(read.replace(/\s+/g, ' '), characters, characterBasis, add);
    const buckets = touched.slice(0, size).sort();
    const counts = buckets.map((bucket) => counters[bucket] as number);
    for (const bucket of buckets) counters[bucket] = 0;
    return { buckets, counts };
  };
}

// Fowler, Noll and Vo's hash (FNV-1a) over UTF-16 units, and over the hashes of the words of an n-gram.
const PRIME = 0x01000193;
const step = (hash: number, unit: number) => Math.imul(hash ^ unit, PRIME);

/** MurmurHash3's last mixing (Appleby): every bit of a hash reaches the bits that choose the bucket. */
function scramble(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const BLANK = 0;
const LETTER = 1;
const SYMBOL = 2;
let kinds: Uint8Array | undefined;

/** What each UTF-16 unit is. The halves of a character beyond 2^16 count as letters: they stay together. */
function unitKinds(): Uint8Array {
  return (kinds ??= Uint8Array.from({ length: 2 ** 16 }, (_, unit) => {
    const character = String.fromCharCode(unit);
    if (/[\p{L}\p{N}\p{M}\p{Cs}_]/u.test(character)) return LETTER;
    return /[\s\p{C}]/u.test(character) ? BLANK : SYMBOL;
  }));
}

function addWords(text: string, [shortest, longest]: NGramRange, basis: number, add: (hash: number) => void): void {
  const kindOf = unitKinds();
  const recent = new Int32Array(longest); // hashes of the last words, newest first
  let seen = 0;
  for (let at = 0; at < text.length;) {
    let unit = text.charCodeAt(at);
    const kind = kindOf[unit];
    let word = step(basis, unit);
    at += 1;
    if (kind === BLANK) continue;
    if (kind === LETTER) {
      for (; at < text.length && kindOf[(unit = text.charCodeAt(at))] === LETTER; ++at) word = step(word, unit);
    }
    recent.copyWithin(1, 0, longest - 1);
    recent[0] = word;
    seen += 1;
    let hash = basis;
    for (let n = 1; n <= longest && n <= seen; ++n) {
      hash = step(scramble(hash), recent[n - 1] as number);
      if (n >= shortest) add(hash);
    }
  }
}

function addCharacters(
  text: string,
  [shortest, longest]: NGramRange,
  basis: number,
  add: (hash: number) => void,
): void {
  for (let first = 0; first + shortest <= text.length; ++first) {
    let hash = basis;
    const end = Math.min(longest, text.length - first);
    for (let n = 1; n <= end; ++n) {
      hash = step(hash, text.charCodeAt(first + n - 1));
      if (n >= shortest) add(hash);
    }
  }
}
