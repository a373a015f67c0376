import {
  addRowGram,
  addRowGramAsync,
  addWeightedRows,
  addWeightedRowsAsync,
  rowDots,
  rowDotsAsync,
  rowNorms,
  rowNormsAsync,
  type RowDotsOptions,
  type StoredRows,
} from '../../lib/linalg/rows.js';
import { widen } from '../../lib/linalg/widen.js';
import { bits, dice, DTYPES, integers, ISAS, random, restore, select, worstShare } from './isas.js';
import { normals, thrownCode, U64 } from './matrices.js';

/** sum_p x(p) y(p), and the sum of the absolute values. */
function dot(count: number, x: (p: number) => number, y: (p: number) => number): readonly [number, number] {
  let [sum, absolute] = [0, 0];
  for (let p = 0; p < count; ++p) {
    sum += x(p) * y(p);
    absolute += Math.abs(x(p) * y(p));
  }
  return [sum, absolute];
}

/** Products, and the norms from the same read. */
function withNorms(rows: StoredRows, h: Float64Array, options: RowDotsOptions): [Float64Array, Float64Array] {
  const norms = new Float64Array(options.count).fill(NaN);
  return [rowDots(rows, h, { ...options, norms }), norms];
}

const at = (values: ArrayLike<number>, i: number) => values[i] as number;

// count, length, queries: tails of every register width and row group, tiles of 64 rows, stripes of 1024 columns.
const SHAPES = [
  [1, 1, 1],
  [3, 7, 2],
  [5, 8, 3],
  [64, 33, 5],
  [65, 17, 6],
  [130, 100, 1],
  [70, 1100, 2],
  [9, 2050, 4],
  [19, 1025, 7],
] as const;

describe.each(ISAS)('rows on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  describe.each(DTYPES)('%s', (dtype) => {
    const given = (count: number, length: number, queries: number) => ({
      rows: random(dtype, 1, count * length),
      h: normals(2, queries * length),
      weights: normals(3, queries * count),
    });

    test.each(SHAPES)('%i rows of %i, %i queries', (count, length, queries) => {
      const { rows, h, weights } = given(count, length, queries);
      const pairs = Array.from({ length: queries * count }, (_, i) => {
        const [q, row] = [Math.floor(i / count), i % count];
        return dot(
          length,
          (p) => at(rows, row * length + p),
          (p) => at(h, q * length + p),
        );
      });
      const exact = pairs.map(([sum]) => 2 * sum);
      const size = pairs.map(([, absolute]) => 2 * absolute);
      const dots = rowDots(rows, h, {
        count,
        length,
        queries,
        alpha: 2,
        out: new Float64Array(queries * count).fill(NaN),
      });
      expect(worstShare(dots, exact, size, 2 * (length + 2), U64)).toBeLessThanOrEqual(1);

      const sums = Array.from({ length: queries * length }, (_, i) => {
        const [q, j] = [Math.floor(i / length), i % length];
        return dot(
          count,
          (row) => at(rows, row * length + j),
          (row) => at(weights, q * count + row),
        );
      });
      const out = new Float64Array(queries * length).fill(1);
      expect(addWeightedRows(rows, weights, { count, length, queries, out })).toBe(out);
      const added = sums.map(([sum]) => 1 + sum);
      expect(
        worstShare(
          out,
          added,
          sums.map(([, absolute]) => 1 + absolute),
          2 * (count + 2),
          U64,
        ),
      ).toBeLessThanOrEqual(1);

      const norms = Array.from(
        { length: count },
        (_, row) =>
          dot(
            length,
            (p) => at(rows, row * length + p),
            (p) => at(rows, row * length + p),
          )[0],
      );
      expect(worstShare(rowNorms(rows, { count, length }), norms, norms, 2 * (length + 1), U64)).toBeLessThanOrEqual(1);

      // From the read of the dots: the same dots, and the norms of any number of queries beside them.
      const beside = new Float64Array(count).fill(NaN);
      expect(bits(rowDots(rows, h, { count, length, queries, alpha: 2, norms: beside })).equals(bits(dots))).toBe(true);
      expect(worstShare(beside, norms, norms, 2 * (length + 1), U64)).toBeLessThanOrEqual(1);
      const alone = new Float64Array(count);
      rowDots(rows, h, { count, length, queries: 0, norms: alone });
      expect(bits(alone).equals(bits(beside))).toBe(true);
    });

    test.each(SHAPES)('%i rows of %i: all pairs', (count, length) => {
      const { rows } = given(count, length, 1);
      const few = Math.min(count, 20);
      const gram = addRowGram(rows, { count: few, length, out: new Float64Array(few * few).fill(1) });
      const products = Array.from({ length: few * few }, (_, i) => {
        const [a, b] = [Math.floor(i / few) * length, (i % few) * length];
        return dot(
          length,
          (p) => at(rows, a + p),
          (p) => at(rows, b + p),
        );
      });
      const raised = products.map(([sum]) => 1 + sum);
      const sizes = products.map(([, absolute]) => 1 + absolute);
      expect(worstShare(gram, raised, sizes, 2 * (length + 2), U64)).toBeLessThanOrEqual(1);
      const mirrored = gram.map((_, i) => at(gram, (i % few) * few + Math.floor(i / few)));
      expect(bits(mirrored).equals(bits(gram))).toBe(true);
    });

    test('the same bits for 1, 2, 3 and 7 threads, and on the pool', async () => {
      for (const [count, length, queries] of [...SHAPES, [20000, 20, 2], [200, 5000, 1], [20, 11_001, 3]] as const) {
        const { rows, h, weights } = given(count, length, queries);
        const shape = { count, length, queries };
        const all = async (threads: number) => [
          ...withNorms(rows, h, { ...shape, threads }),
          addRowGram(rows.subarray(0, 20 * length), { count: Math.min(count, 20), length, threads }),
          await addRowGramAsync(rows, { count: Math.min(count, 20), length, threads }),
          addWeightedRows(rows, weights, { ...shape, threads }),
          rowNorms(rows, { count, length, threads }),
          await rowDotsAsync(rows, h, { ...shape, threads }),
          await addWeightedRowsAsync(rows, weights, { ...shape, threads }),
          await rowNormsAsync(rows, { count, length, threads }),
        ];
        const one = await all(1);
        for (const threads of [2, 3, 7]) {
          const more = await all(threads);
          more.forEach((values, i) => expect(bits(values).equals(bits(one[i] as Float64Array))).toBe(true));
        }
      }
    });

    test('the same bits in blocks of any number of rows (rowDots), multiples of 64 (addWeightedRows)', () => {
      const [count, length, queries] = [500, 70, 3];
      const { rows, h, weights } = given(count, length, queries);
      const dots = rowDots(rows, h, { count, length, queries });
      const sums = addWeightedRows(rows, weights, { count, length, queries });
      const roll = dice(4);
      const parts = new Float64Array(queries * count);
      for (let first = 0; first < count;) {
        const part = Math.min(count - first, 1 + roll(40));
        const block = rows.subarray(first * length);
        rowDots(block, h, { count: part, length, queries, outStride: count, out: parts.subarray(first) });
        first += part;
      }
      expect(bits(parts).equals(bits(dots))).toBe(true);
      const added = new Float64Array(queries * length);
      for (let first = 0; first < count; first += 128) {
        const part = Math.min(count - first, 128);
        const shape = { count: part, length, queries, weightStride: count };
        addWeightedRows(rows.subarray(first * length), weights.subarray(first), { ...shape, out: added });
      }
      expect(bits(added).equals(bits(sums))).toBe(true);
    });

    test('the same bits in parts of the columns that start at multiples of 1024, any number of threads', () => {
      const [count, length, queries] = [20, 11_001, 3];
      const { rows, h } = given(count, length, queries);
      const whole = rowDots(rows, h, { count, length, queries });
      const gram = addRowGram(rows, { count, length });
      for (const [width, threads] of [
        [1024, 1],
        [4096, 2],
        [10 * 1024, 3],
        [length, 7],
      ] as const) {
        const out = new Float64Array(queries * count);
        const sum = new Float64Array(count * count);
        for (let first = 0; first < length; first += width) {
          const columns = Math.min(width, length - first);
          const shape = { count, length: columns, rowStride: length, threads };
          const part = Float64Array.from({ length: queries * columns }, (_, i) => {
            return at(h, Math.floor(i / columns) * length + first + (i % columns));
          });
          const beta = first === 0 ? 0 : 1;
          rowDots(rows.subarray(first), part, { ...shape, queries, beta, out });
          addRowGram(rows.subarray(first), { ...shape, out: sum });
        }
        expect(bits(out).equals(bits(whole))).toBe(true);
        expect(bits(sum).equals(bits(gram))).toBe(true);
      }
    });

    test('beta counts once where columns are worked through in runs', () => {
      const [count, length, queries] = [7, 2050, 5];
      const rows = integers(dtype, 5, count * length); // every sum is exact
      const h = Float64Array.from(integers('f64', 6, queries * length));
      const out = rowDots(rows, h, { count, length, queries });
      rowDots(rows, h, { count, length, queries, alpha: 2, beta: -2, out });
      expect(Array.from(out, Math.abs)).toEqual(Array(queries * count).fill(0));
    });

    test('beta, strides, and what lies between', () => {
      const { rows, h } = given(5, 9, 2);
      const out = Float64Array.from({ length: 14 }, (_, i) => i);
      const before = out.slice();
      const plain = rowDots(rows, h, { count: 5, length: 9, queries: 2 });
      rowDots(rows, h, { count: 5, length: 9, queries: 2, alpha: -1, beta: 2, outStride: 8, out });
      for (let q = 0; q < 2; ++q) {
        for (let i = 0; i < 5; ++i) expect(out[q * 8 + i]).toBe(2 * at(before, q * 8 + i) - at(plain, q * 5 + i));
      }
      expect(out.slice(5, 8)).toEqual(before.slice(5, 8));
      expect(out.slice(13)).toEqual(before.slice(13));
    });

    test('rowNorms finds NaN and infinity, in their row only', () => {
      const [count, length] = [9, 37];
      const { rows } = given(count, length, 1);
      rows[3 * length + 36] = NaN;
      rows[5 * length] = -Infinity;
      rows[7 * length + 5] = dtype === 'f32' ? 3e38 : 1e155; // large, and fine in f32: its square is a float64
      const norms = Array.from(rowNorms(rows, { count, length }), (x) => (Number.isFinite(x) ? 0 : x));
      expect(norms).toEqual([0, 0, 0, NaN, 0, Infinity, 0, dtype === 'f32' ? 0 : Infinity, 0]);
    });
  });
});

describe.each(ISAS)('rows stored in 16 bits on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  describe.each(['BF16', 'F16'] as const)('%s', (dtype) => {
    test.each([...SHAPES, [5, 20_003, 1] as const])(
      '%i rows of %i, %i queries: the bits of the numbers',
      (...shape) => {
        const [count, length, queries] = shape;
        const rowStride = length + 3;
        const roll = dice(count + length);
        // Every finite number of either sign that the upper exponents leave, subnormals and zeros with them.
        const stored = Uint16Array.from({ length: count * rowStride }, () => roll(0x4800) | (roll(2) << 15));
        const numbers = widen(stored, dtype);
        const options = { count, length, queries, rowStride };
        const [h, weights] = [normals(2, queries * length), normals(3, queries * count)];
        const results = (rows: StoredRows, half?: 'BF16' | 'F16') => [
          ...withNorms(rows, h, { ...options, dtype: half }),
          addWeightedRows(rows, weights, { ...options, dtype: half }),
          addRowGram(rows, { ...options, dtype: half }),
        ];
        const expected = results(numbers);
        results(stored, dtype).forEach((values, i) => expect(bits(values).equals(bits(expected[i]!))).toBe(true));
      },
    );

    test('NaN and infinity come through', () => {
      const [nan, infinity] = dtype === 'BF16' ? [0x7fc0, 0xff80] : [0x7e00, 0xfc00];
      const rows = new Uint16Array(3 * 11);
      rows[13] = nan;
      rows[32] = infinity;
      const [, norms] = withNorms(rows, new Float64Array(11), { count: 3, length: 11, dtype });
      expect(Array.from(norms)).toEqual([0, NaN, Infinity]);
    });
  });
});

test('empty: no rows, no queries, rows of no elements', () => {
  const none = new Float32Array(0);
  expect(rowDots(none, new Float64Array(3), { count: 0, length: 3 })).toHaveLength(0);
  expect(rowDots(new Float32Array(3), new Float64Array(0), { count: 1, length: 3, queries: 0 })).toHaveLength(0);
  expect(Array.from(rowDots(none, new Float64Array(0), { count: 2, length: 0 }))).toEqual([0, 0]);
  expect(Array.from(addWeightedRows(none, new Float64Array(0), { count: 0, length: 2 }))).toEqual([0, 0]);
  expect(Array.from(rowNorms(none, { count: 2, length: 0 }))).toEqual([0, 0]);
});

test('a mistake is named', () => {
  const rows = new Float32Array(6);
  const shape = { count: 2, length: 3 };
  const h = new Float64Array(3);
  for (const [code, call] of [
    ['GRADSIFT_SHAPE', () => rowDots(rows, h, { ...shape, queries: 2 })],
    ['GRADSIFT_SHAPE', () => rowDots(rows, h, { count: 3, length: 3 })],
    ['GRADSIFT_SHAPE', () => rowDots(rows, h, { ...shape, norms: new Float64Array(1) })],
    ['GRADSIFT_ARGUMENT', () => rowDots(rows, h, { ...shape, norms: h })],
    ['GRADSIFT_DTYPE', () => rowDots(rows, new Float32Array(3) as never, shape)],
    ['GRADSIFT_ARGUMENT', () => rowDots(rows, h, { ...shape, beta: 1 })],
    ['GRADSIFT_ARGUMENT', () => rowDots(rows, h, { ...shape, alpha: NaN })],
    ['GRADSIFT_ARGUMENT', () => rowDots(rows, h, { ...shape, queries: 1.5 })],
    ['GRADSIFT_ARGUMENT', () => rowDots(rows, new Float64Array(6), { ...shape, queries: 2, outStride: 1 })],
    ['GRADSIFT_ARGUMENT', () => rowDots(rows, h, { ...shape, rowStride: 2 })],
    ['GRADSIFT_SHAPE', () => rowDots(rows, h, { ...shape, rowStride: 4 })],
    ['GRADSIFT_DTYPE', () => rowDots(rows, h, { ...shape, dtype: 'BF16' })],
    ['GRADSIFT_ARGUMENT', () => rowDots(new Uint16Array(6), h, shape)],
    ['GRADSIFT_SHAPE', () => addRowGram(new Uint16Array(5), { ...shape, dtype: 'F16' })],
    ['GRADSIFT_SHAPE', () => addRowGram(rows, { ...shape, out: new Float64Array(3) })],
    ['GRADSIFT_SHAPE', () => addWeightedRows(rows, new Float64Array(1), shape)],
    [
      'GRADSIFT_DTYPE',
      () => addWeightedRows(rows, new Float64Array(2), { ...shape, out: new Float32Array(3) as never }),
    ],
    ['GRADSIFT_ARGUMENT', () => addWeightedRows(rows, h, { ...shape, out: h })],
    ['GRADSIFT_SHAPE', () => rowNorms(rows, { ...shape, out: new Float64Array(1) })],
    ['GRADSIFT_ARGUMENT', () => rowNorms(rows, { count: '2' as never, length: 3 })],
  ] as const) {
    expect(thrownCode(call)).toBe(code);
  }
});
