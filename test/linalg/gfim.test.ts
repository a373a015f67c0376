import { gfim, gfimAsync, gfimTileSamples, type GfimSide, type GramPrecision } from '../../lib/linalg/gfim.js';
import { rowGram, rowGramAsync } from '../../lib/linalg/row-gram.js';
import { widen } from '../../lib/linalg/widen.js';
import type { FloatArray } from '../../lib/native/binding.js';
import { ALL_ISAS, bits, dice, DTYPES, integers, ISAS, random, restore, select, worstShare } from './isas.js';
import { thrownCode, U32, U64 } from './matrices.js';

interface Shape {
  readonly samples: number;
  readonly r: number;
  readonly d: number;
  readonly side: GfimSide;
}

const known = new Map<string, ReturnType<typeof compute>>();

/** The oracle, computed once for all instruction sets. */
function oracle(rows: FloatArray, shape: Shape, scale: number) {
  const key = JSON.stringify([rows[0], rows.length, shape, scale]);
  const found = known.get(key) ?? compute(rows, shape, scale);
  known.set(key, found);
  return found;
}

/** How many pairs of elements across the diagonal differ. */
function asymmetries(g: Float64Array, n: number): number {
  let count = 0;
  for (let i = 0; i < n; ++i) for (let j = 0; j < i; ++j) if (g[i * n + j] !== g[j * n + i]) ++count;
  return count;
}

/** G = scale sum_i g_i' g_i (or g_i g_i') by plain loops in float64, and the absolute sums behind its elements. */
function compute(rows: FloatArray, { samples, r, d, side }: Shape, scale: number) {
  const [n, depth] = side === 'columns' ? [d, r] : [r, d];
  const entry = (s: number, line: number, p: number) =>
    rows[s * r * d + (side === 'columns' ? p * d + line : line * d + p)] as number;
  const exact = new Float64Array(n * n);
  const size = new Float64Array(n * n);
  for (let i = 0; i < n; ++i) {
    for (let j = 0; j <= i; ++j) {
      let [sum, absolute] = [0, 0];
      for (let s = 0; s < samples; ++s) {
        for (let p = 0; p < depth; ++p) {
          const term = entry(s, i, p) * entry(s, j, p);
          sum += term;
          absolute += Math.abs(term);
        }
      }
      exact[i * n + j] = exact[j * n + i] = scale * sum;
      size[i * n + j] = size[j * n + i] = Math.abs(scale) * absolute;
    }
  }
  return { exact, size };
}

// Short samples and long ones, on both ways to sum (up to 256 kept lines partial sums, above it in place), with the
// last tile cut short.
const SHAPES: readonly Shape[] = [
  { samples: 1, r: 1, d: 1, side: 'columns' },
  { samples: 40, r: 3, d: 17, side: 'columns' },
  { samples: 700, r: 3, d: 20, side: 'columns' },
  { samples: 300, r: 8, d: 49, side: 'columns' },
  { samples: 45, r: 8, d: 260, side: 'columns' },
  { samples: 3, r: 300, d: 11, side: 'columns' },
  { samples: 60, r: 7, d: 30, side: 'rows' },
  { samples: 9, r: 5, d: 300, side: 'rows' },
  { samples: 4, r: 260, d: 3, side: 'rows' },
];
const PRECISIONS: readonly GramPrecision[] = ['f64', 'f32'];

/**
 * Relative bound: f64 sums of all terms, or f32 sums of at most 512 terms merged in f64; float64 inputs are rounded.
 */
function bound(precision: GramPrecision, { samples, r, d, side }: Shape): number {
  const terms = samples * (side === 'columns' ? r : d) + 4;
  return precision === 'f64' ? 2 * terms * U64 : (512 + 2) * U32 + 2 * terms * U64;
}

describe.each(ISAS)('gfim on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  describe.each(PRECISIONS)('gramPrecision %s', (gramPrecision) => {
    test.each(SHAPES)('$samples samples of $r x $d, $side', (shape) => {
      for (const dtype of DTYPES) {
        const rows = random(dtype, shape.samples, shape.samples * shape.r * shape.d);
        const out = new Float64Array((shape.side === 'columns' ? shape.d : shape.r) ** 2 + 2).fill(NaN);
        expect(gfim(rows, { ...shape, gramPrecision, out, threads: 2 })).toBe(out);
        const { exact, size } = oracle(rows, shape, 1 / shape.samples);
        expect(worstShare(out, exact, size, 1, bound(gramPrecision, shape))).toBeLessThanOrEqual(1);
        const n = shape.side === 'columns' ? shape.d : shape.r;
        expect(asymmetries(out, n)).toBe(0);
        expect(out.slice(n * n)).toEqual(new Float64Array(2).fill(NaN));
      }
    });

    test('the same bits for 1, 2, 3 and 7 threads, and on the pool', async () => {
      for (const shape of SHAPES) {
        const rows = random('f32', 5, shape.samples * shape.r * shape.d);
        const one = bits(gfim(rows, { ...shape, gramPrecision, threads: 1 }));
        for (const threads of [2, 3, 7]) {
          expect(bits(gfim(rows, { ...shape, gramPrecision, threads })).equals(one)).toBe(true);
        }
        expect(bits(await gfimAsync(rows, { ...shape, gramPrecision, threads: 2 })).equals(one)).toBe(true);
      }
    });

    test('the same bits in blocks of any multiple of a tile', () => {
      const roll = dice(9);
      for (const shape of [...SHAPES, { samples: 2000, r: 2, d: 5, side: 'columns' as const }]) {
        const { samples, r, d, side } = shape;
        const rows = random('f32', 6, samples * r * d);
        const whole = gfim(rows, { ...shape, gramPrecision, scale: 0.37 });
        const tile = gfimTileSamples(r, d, side);
        const out = new Float64Array(whole.length);
        for (let first = 0; first < samples;) {
          const count = Math.min(samples - first, tile * (1 + roll(3)));
          const block = rows.subarray(first * r * d, (first + count) * r * d);
          gfim(block, {
            ...shape,
            samples: count,
            gramPrecision,
            scale: 0.37,
            accumulate: true,
            out,
            threads: 1 + roll(3),
          });
          first += count;
        }
        expect(bits(out).equals(bits(whole))).toBe(true);
      }
    });
  });

  test('half-precision rows give the bits of their widened copies', () => {
    const roll = dice(3);
    for (const [shape, dtype, gramPrecision] of [
      [{ samples: 50, r: 4, d: 9, side: 'columns' }, 'F16', 'f64'],
      [{ samples: 50, r: 4, d: 9, side: 'columns' }, 'BF16', 'f32'],
      [{ samples: 90, r: 3, d: 300, side: 'columns' }, 'BF16', 'f64'],
      [{ samples: 9, r: 5, d: 300, side: 'rows' }, 'F16', 'f32'],
      [{ samples: 2, r: 270, d: 40, side: 'rows' }, 'F16', 'f64'],
    ] as const) {
      const half = Uint16Array.from(
        { length: shape.samples * shape.r * shape.d },
        () => (roll(2) << 15) | (roll(1 << 15) % 0x7c00),
      );
      const wide = gfim(widen(half, dtype), { ...shape, gramPrecision, scale: 2 ** -10 });
      expect(bits(gfim(half, { ...shape, dtype, gramPrecision, scale: 2 ** -10 })).equals(bits(wide))).toBe(true);
    }
  });

  test('NaN reaches the row and the column it belongs to, and no others', () => {
    const [samples, d] = [50, 60];
    const rows = random('f32', 1, samples * d);
    rows[17 * d + 33] = NaN;
    const g = gfim(rows, { samples, r: 1, d });
    const expected = Array.from(g, (_, at) => at % d === 33 || Math.floor(at / d) === 33);
    expect(Array.from(g, Number.isNaN)).toEqual(expected);
  });

  test("rowGram: K = X X' in float64", async () => {
    for (const [count, length] of [
      [1, 1],
      [3, 700],
      [50, 33],
      [260, 10],
    ] as const) {
      for (const dtype of DTYPES) {
        const rows = random(dtype, count, count * length);
        const k = rowGram(rows, { count, length, threads: 1 });
        // Samples as lines: the Gram matrix is the 'rows' GFIM of one sample.
        const { exact, size } = oracle(rows, { samples: 1, r: count, d: length, side: 'rows' }, 1);
        expect(worstShare(k, exact, size, 2 * (length + 1), U64)).toBeLessThanOrEqual(1);
        expect(bits(rowGram(rows, { count, length, threads: 3 })).equals(bits(k))).toBe(true);
        expect(bits(await rowGramAsync(rows, { count, length })).equals(bits(k))).toBe(true);
      }
    }
  });
});

describe.each(ALL_ISAS)("gramPrecision 'bf16' on %s", (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  const [gramPrecision, dtype] = ['bf16', 'BF16'] as const;
  const cut = (seed: number, length: number) =>
    Uint16Array.from(new Uint32Array((random('f32', seed, length) as Float32Array).buffer), (all) => all >>> 16);

  // Odd numbers of rows, whose last pair has no second, and depth blocks of odd length, which are not taken in pairs.
  const OF_PAIRS: readonly Shape[] = [
    ...SHAPES,
    { samples: 301, r: 3, d: 20, side: 'columns' },
    { samples: 3, r: 301, d: 11, side: 'columns' },
    { samples: 175, r: 3, d: 270, side: 'columns' },
  ];

  // Products of two numbers of 8 bits are exact in float32; what is rounded are sums of at most 512 terms, each
  // addition once, and their merging in float64: the bound of 'f32'.
  test.each(OF_PAIRS)(
    '$samples samples of $r x $d, $side: the bound of f32 sums; any threads, the same bits',
    (shape) => {
      const half = cut(shape.samples, shape.samples * shape.r * shape.d);
      const g = gfim(half, { ...shape, dtype, gramPrecision, threads: 1 });
      const { exact, size } = oracle(widen(half, dtype), shape, 1 / shape.samples);
      expect(worstShare(g, exact, size, 1, bound('f32', shape))).toBeLessThanOrEqual(1);
      for (const threads of [2, 3, 7]) {
        expect(bits(gfim(half, { ...shape, dtype, gramPrecision, threads })).equals(bits(g))).toBe(true);
      }
    },
  );

  test('the same bits in blocks of any multiple of a tile', () => {
    for (const shape of OF_PAIRS) {
      const { samples, r, d, side } = shape;
      const half = cut(1, samples * r * d);
      const whole = gfim(half, { ...shape, dtype, gramPrecision, scale: 0.37 });
      const out = new Float64Array(whole.length);
      const step = 2 * gfimTileSamples(r, d, side);
      for (let first = 0; first < samples; first += step) {
        const count = Math.min(step, samples - first);
        const block = half.subarray(first * r * d, (first + count) * r * d);
        gfim(block, { ...shape, samples: count, dtype, gramPrecision, scale: 0.37, accumulate: true, out });
      }
      expect(bits(out).equals(bits(whole))).toBe(true);
    }
  });

  test('sums that are exact have the bits of float64', () => {
    const shape = { samples: 100, r: 3, d: 50, side: 'columns' as const };
    const small = integers('f32', 4, 100 * 150) as Float32Array;
    const half = Uint16Array.from(new Uint32Array(small.buffer), (all) => all >>> 16);
    const g = gfim(half, { ...shape, dtype, gramPrecision, scale: 1 });
    expect(bits(g).equals(bits(gfim(small, { ...shape, scale: 1 })))).toBe(true);
  });
});

test('defaults, accumulation and empty sums', () => {
  const rows = Float32Array.from([1, 2, 3, 4]);
  expect(Array.from(gfim(rows, { samples: 2, r: 1, d: 2 }))).toEqual([5, 7, 7, 10]);
  expect(Array.from(gfim(rows, { samples: 1, r: 2, d: 2, side: 'rows' }))).toEqual([5, 11, 11, 25]);
  const out = Float64Array.from([1, 1, 1, 1]);
  expect(Array.from(gfim(rows, { samples: 2, r: 1, d: 2, scale: 1, accumulate: true, out }))).toEqual([11, 15, 15, 21]);
  expect(Array.from(gfim(rows, { samples: 0, r: 1, d: 2 }))).toEqual([0, 0, 0, 0]);
  expect(Array.from(gfim(rows, { samples: 0, r: 1, d: 2, out }))).toEqual([0, 0, 0, 0]);
  expect(gfim(rows, { samples: 2, r: 1, d: 0 })).toHaveLength(0);
});

test('a tile is small, and a whole number of samples', () => {
  expect(gfimTileSamples(8, 512)).toBe(64); // 512 rows
  expect(gfimTileSamples(8, 64)).toBe(128); // 1024 rows: partial sums
  expect(gfimTileSamples(1, 4096)).toBe(512);
  expect(gfimTileSamples(1001, 600)).toBe(1); // blocks of 143 = 1001 / 7 rows
  expect(gfimTileSamples(1009, 600)).toBe(512); // a prime
  expect(gfimTileSamples(8, 512, 'rows')).toBe(2); // 1024 columns
  for (const [r, d] of [
    [6, 700],
    [3, 700],
    [300, 5],
    [1001, 600],
  ] as const) {
    for (const side of ['columns', 'rows'] as const) {
      // A power of two: callers that sum several things take the largest tile of all.
      expect(Number.isInteger(Math.log2(gfimTileSamples(r, d, side)))).toBe(true);
      expect(gfimTileSamples(r, d, side)).toBeLessThanOrEqual(1024);
    }
  }
});

test('a mistake is named', () => {
  const rows = new Float32Array(12);
  const shape = { samples: 2, r: 2, d: 3 };
  const half = new Uint16Array(12);
  for (const [code, call] of [
    ['GRADSIFT_SHAPE', () => gfim(rows.subarray(1), shape)],
    ['GRADSIFT_SHAPE', () => gfim(rows, { ...shape, out: new Float64Array(8) })],
    ['GRADSIFT_DTYPE', () => gfim(rows, { ...shape, out: new Float32Array(9) as never })],
    ['GRADSIFT_DTYPE', () => gfim(new Int32Array(12) as never, shape)],
    ['GRADSIFT_ARGUMENT', () => gfim(half, shape)],
    ['GRADSIFT_ARGUMENT', () => gfim(half, { ...shape, dtype: 'F32' as never })],
    ['GRADSIFT_ARGUMENT', () => gfim(rows, { ...shape, dtype: 'F16' })],
    ['GRADSIFT_ARGUMENT', () => gfim(rows, { ...shape, accumulate: true })],
    ['GRADSIFT_ARGUMENT', () => gfim(rows, { ...shape, accumulate: 1 as never })],
    ['GRADSIFT_ARGUMENT', () => gfim(rows, { ...shape, side: 'both' as never })],
    ['GRADSIFT_ARGUMENT', () => gfim(rows, { ...shape, gramPrecision: 'f16' as never })],
    ['GRADSIFT_ARGUMENT', () => gfim(rows, { ...shape, gramPrecision: 'bf16' })],
    ['GRADSIFT_ARGUMENT', () => gfim(half, { ...shape, dtype: 'F16', gramPrecision: 'bf16' })],
    ['GRADSIFT_ARGUMENT', () => gfim(rows, { ...shape, scale: NaN })],
    ['GRADSIFT_ARGUMENT', () => gfim(rows, { ...shape, samples: -1 })],
    ['GRADSIFT_ARGUMENT', () => gfimTileSamples(0, 3)],
    ['GRADSIFT_SHAPE', () => rowGram(rows, { count: 5, length: 3 })],
    ['GRADSIFT_ARGUMENT', () => rowGram(rows, { count: NaN, length: 3 })],
  ] as const) {
    expect(thrownCode(call)).toBe(code);
  }
});
