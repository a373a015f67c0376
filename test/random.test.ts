import { random, seeded, threefry, type Random } from '../lib/random.js';
import { thrownCode } from './linalg/matrices.js';

const take = (count: number, draw: () => number) => Float64Array.from({ length: count }, draw);
const words = (cursor: Random, count: number) => Array.from({ length: count }, () => cursor.word());
const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('known answers of Threefry-4x32-20 (kat_vectors of Random123)', () => {
  test.each([
    ['zeros', Array(4).fill(0), Array(4).fill(0), [0x9c6ca96a, 0xe17eae66, 0xfc10ecd4, 0x5256a7d8]],
    ['ones', Array(4).fill(2 ** 32 - 1), Array(4).fill(2 ** 32 - 1), [0x2a881696, 0x57012287, 0xf6c7446e, 0xa16a6732]],
    [
      'digits of pi',
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89],
      [0x59cd1dbb, 0xb8879579, 0x86b5d00c, 0xac8b6d84],
    ],
  ])('%s', (_name, counter, key, expected) => {
    const out = new Uint32Array(4);
    threefry(Uint32Array.from(key), Uint32Array.from(counter), out);
    expect([...out]).toEqual(expected);
  });

  test('seed, stream and position are the words of key and counter', () => {
    const position = 4 * (3 * 2 ** 32 + 5) + 2;
    const out = new Uint32Array(4);
    threefry(Uint32Array.of(7, 1, 9, 2), Uint32Array.of(5, 3, 0, 0), out);
    const state = { seed: 2 ** 32 + 7, stream: 2 ** 33 + 9, position };
    expect(words(random(state), 2)).toEqual([...out.subarray(2)]);
  });
});

test('a cursor resumes at any place, through JSON', () => {
  const whole = random(seeded(17, 3));
  const all = words(whole, 23);
  for (const taken of [0, 1, 4, 7, 22]) {
    const cursor = random(seeded(17, 3));
    words(cursor, taken);
    const resumed = random(JSON.parse(JSON.stringify(cursor.state())) as ReturnType<typeof seeded>);
    expect(words(resumed, 23 - taken)).toEqual(all.slice(taken));
    expect(resumed.state()).toEqual(whole.state());
  }
});

test('seeds and streams differ', () => {
  const first = [seeded(1), seeded(2), seeded(1, 1), seeded(2 ** 32 + 1), seeded(1, 2 ** 32)];
  expect(new Set(first.map((state) => words(random(state), 2).join())).size).toBe(first.length);
});

// The mean of n numbers lies within 6 standard deviations / sqrt(n) but for one seed in 5e8; the seed is fixed.
const COUNT = 20_000;
const near = (values: Float64Array, expected: number, variance: number) =>
  expect(Math.abs(mean(values) - expected)).toBeLessThanOrEqual(6 * Math.sqrt(variance / COUNT));

test('uniform, normal and Gamma numbers have their moments', () => {
  const cursor = random(seeded(5));
  const uniform = take(COUNT, () => cursor.uniform());
  expect(uniform.every((value) => value >= 0 && value < 1)).toBe(true);
  near(uniform, 1 / 2, 1 / 12);
  const normal = take(COUNT, () => cursor.normal());
  near(normal, 0, 1);
  near(
    normal.map((value) => value * value),
    1,
    2,
  );
  for (const shape of [0.5, 1, 7])
    near(
      take(COUNT, () => Math.exp(cursor.logGamma(shape))),
      shape,
      shape,
    );
  // Gamma(a) underflows for small a, its logarithm has the mean digamma(a) = -1/a - 0.5772 + O(a), variance ~ 1/a^2.
  near(
    take(COUNT, () => cursor.logGamma(1e-3)),
    -1e3 - 0.5772,
    1e6,
  );
});

test('below has no bias, and reaches every number', () => {
  const cursor = random(seeded(6));
  const counts = new Float64Array(3);
  for (let i = 0; i < COUNT; ++i) counts[cursor.below(3)]! += 1;
  for (const count of counts) expect(Math.abs(count - COUNT / 3)).toBeLessThanOrEqual(6 * Math.sqrt((COUNT * 2) / 9));
  expect(cursor.below(1)).toBe(0);
  expect(cursor.below(2 ** 53 - 1)).toBeLessThan(2 ** 53 - 1);
});

test.each([NaN, -1, 0.5, 2 ** 53, '1', null])('a seed, stream or position that is %p', (bad) => {
  const value = bad as number;
  expect(thrownCode(() => seeded(value))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => random({ seed: 1, stream: value, position: 0 }))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => random({ seed: 1, stream: 0, position: value }))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => random(seeded(1)).below(value))).toBe('GRADSIFT_ARGUMENT');
});
