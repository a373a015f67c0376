import { featureCounter, requireTextFeatures, type TextFeatures } from '../../lib/reweighting/text-features.js';

const WORDS: TextFeatures = { features: 2 ** 20, words: [1, 1], characters: null, lowercase: true, seed: 0 };
const counted = (text: string, settings: Partial<TextFeatures> = {}) => featureCounter({ ...WORDS, ...settings })(text);
const total = (counts: Uint32Array) => counts.reduce((sum, count) => sum + count, 0);

describe('words', () => {
  test.each([
    ['', 0],
    [' \t\n', 0],
    ['one', 1],
    ['one two one', 3],
    ['snake_case2', 1],
    ['f(x) => x', 7],
    ['na\u00efve caf\u00e9', 2],
    ['\u{1f600}\u{1f600} ok', 2],
  ])('%j', (text, words) => {
    expect(total(counted(text).counts)).toBe(words);
  });

  test('are the same wherever they stand; case is kept on demand', () => {
    expect(counted('red green blue')).toEqual(counted('Blue  GREEN\nred'));
    expect(counted('red', { lowercase: false })).not.toEqual(counted('Red', { lowercase: false }));
  });

  test('buckets ascend, counts belong to them, and the counter forgets', () => {
    const counter = featureCounter(WORDS);
    const first = counter('b a b c b a');
    expect([...first.buckets].sort((a, b) => a - b)).toEqual([...first.buckets]);
    expect([...first.counts].sort()).toEqual([1, 2, 3]);
    counter('other words');
    expect(counter('b a b c b a')).toEqual(first);
  });

  test('n-grams keep their order: w words have w - n + 1 of them', () => {
    const bigrams = { words: [2, 2] as const };
    expect(total(counted('a b c d', bigrams).counts)).toBe(3);
    expect(counted('a b', bigrams)).not.toEqual(counted('b a', bigrams));
    expect(total(counted('a b c d', { words: [1, 3] }).counts)).toBe(4 + 3 + 2);
    expect(total(counted('a', bigrams).counts)).toBe(0);
  });
});

describe('characters', () => {
  const trigrams = { words: null, characters: [3, 3] as const };
  test('runs of blanks are one space', () => {
    expect(total(counted('abcde', trigrams).counts)).toBe(3);
    expect(counted('a \n b', trigrams)).toEqual(counted('a b', trigrams));
  });
  test('with words: both, apart', () => {
    const both = counted('abc', { characters: [3, 3] });
    expect(total(both.counts)).toBe(2);
    expect(both.buckets).toHaveLength(2);
  });
});

test('another seed, other buckets; few buckets are shared', () => {
  expect(counted('word', { seed: 1 })).not.toEqual(counted('word', { seed: 2 }));
  const { buckets, counts } = counted('a b c d e', { features: 2 });
  expect(total(counts)).toBe(5);
  expect(Math.max(...buckets)).toBeLessThan(2);
});

test('words spread evenly over buckets: chi-square of 64 buckets below its 1 - 10^-6 quantile', () => {
  const text = Array.from({ length: 6400 }, (_, i) => `w${i}`).join(' ');
  const { counts } = counted(text, { features: 64 });
  const chi = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
  expect(chi).toBeLessThan(131);
});

test.each<[string, Partial<TextFeatures>]>([
  ['no n-grams', { words: null }],
  ['a range upside down', { words: [2, 1] }],
  ['a length of 0', { characters: [0, 2] }],
  ['too long', { words: [1, 17] }],
  ['not a pair', { words: 3 as never }],
  ['no buckets', { features: 0 }],
  ['a fractional seed', { seed: 0.5 }],
  ['NaN', { features: NaN }],
  ['lowercase that is no flag', { lowercase: 'yes' as never }],
])('bad options: %s', (_, settings) => {
  let code: unknown;
  try {
    requireTextFeatures({ ...WORDS, ...settings });
  } catch (error) {
    code = (error as { code?: unknown }).code;
  }
  expect(code).toBe('GRADSIFT_ARGUMENT');
});
