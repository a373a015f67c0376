import {
  sparseProduct,
  sparseProductAsync,
  sparseTranspose,
  type SparseRows,
} from '../../lib/linalg/sparse-product.js';
import { bits, dice, integers, ISAS, random, restore, select, UNIT_ROUNDOFF, worstShare } from './isas.js';
import { thrownCode } from './matrices.js';

/** Rows of 0 to 2 x `each` entries, columns in any order and more than once; the first row has `longest`. */
function sparse(rows: number, columns: number, each: number, longest: number, values: Float32Array): SparseRows {
  const roll = dice(rows + columns);
  const starts = new Uint32Array(rows + 1);
  for (let i = 0; i < rows; ++i) starts[i + 1] = starts[i]! + (i === 0 ? longest : roll(2 * each + 1));
  const entries = starts[rows]!;
  const indices = Uint32Array.from({ length: entries }, () => roll(columns));
  return { rows, columns, starts, indices, values: values.subarray(0, entries) };
}

/** Sums and sums of absolute products in float64. */
function exact({ rows, columns, starts, indices, values }: SparseRows, b: Float32Array, width: number) {
  const c = new Float64Array(rows * width);
  const size = new Float64Array(rows * width);
  for (let i = 0; i < rows; ++i) {
    for (let e = starts[i]!; e < starts[i + 1]!; ++e) {
      for (let j = 0; j < width && indices[e]! < columns; ++j) {
        const product = values[e]! * b[indices[e]! * width + j]!;
        c[i * width + j]! += product;
        size[i * width + j]! += Math.abs(product);
      }
    }
  }
  return { c, size };
}

// The third: rows of more than a run of 512; the last two: strips of every number of registers, several tasks.
const SHAPES = [
  [1, 1, 1, 1, 1],
  [7, 5, 3, 0, 17],
  [9, 40, 300, 2000, 33],
  [60, 50, 20, 513, 144],
  [300, 90, 40, 512, 400],
] as const;

/** Around whole numbers of registers, and of strips of them. */
const WIDTHS = [0, 1, 7, 8, 9, 15, 16, 17, 33, 64, 95, 96, 97, 112, 129, 144, 191, 192, 193];

describe.each(ISAS)('sparseProduct on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  test.each(SHAPES)(
    '%i x %i, about %i entries a row, one of %i, times %i columns',
    (rows, columns, each, longest, width) => {
      const most = longest + 2 * each * rows;
      for (const made of [random, integers]) {
        const a = sparse(rows, columns, each, longest, made('f32', 1, most) as Float32Array);
        const b = made('f32', 2, columns * width) as Float32Array;
        const { c, size } = exact(a, b, width);
        const found = sparseProduct(a, b, { width, threads: 1 });
        if (made === integers) expect([...found]).toEqual([...c]);
        // A run: 512 products and sums; the runs in float64; the result rounded once more.
        const terms = 513 + 1;
        expect(worstShare(found, c, size, terms, UNIT_ROUNDOFF.f32)).toBeLessThanOrEqual(1);
        for (const threads of [2, 3, 7]) {
          expect(bits(sparseProduct(a, b, { width, threads })).equals(bits(found))).toBe(true);
        }
      }
    },
  );

  test('an element has the same bits whatever the width', () => {
    const a = sparse(5, 30, 20, 600, random('f32', 1, 1000) as Float32Array);
    const wide = random('f32', 2, 30 * 200) as Float32Array;
    const whole = sparseProduct(a, wide, { width: 200 });
    for (const width of WIDTHS) {
      const b = Float32Array.from(
        { length: 30 * width },
        (_, at) => wide[Math.floor(at / width) * 200 + (at % width)]!,
      );
      const part = sparseProduct(a, b, { width });
      const expected = part.map((_, at) => whole[Math.floor(at / width) * 200 + (at % width)]!);
      expect(bits(part).equals(bits(expected))).toBe(true);
    }
  });

  test('a column that is none counts for nothing', () => {
    const a = { rows: 1, columns: 2, starts: Uint32Array.of(0, 3), values: Float32Array.of(1, 2, 4) };
    const indices = Uint32Array.of(1, 2, 2 ** 32 - 1);
    expect([...sparseProduct({ ...a, indices }, Float32Array.of(3, 5), { width: 1 })]).toEqual([5]);
  });
});

test('the transpose: twice is the matrix with its columns in order; its product is that of the dense one', async () => {
  const a = sparse(20, 15, 6, 9, integers('f32', 3, 500) as Float32Array);
  const turned = sparseTranspose(a);
  const identity = Float32Array.from({ length: 20 * 20 }, (_, at) => (at % 21 === 0 ? 1 : 0));
  const dense = await sparseProductAsync(
    a,
    Float32Array.from({ length: 15 * 15 }, (_, at) => (at % 16 === 0 ? 1 : 0)),
    {
      width: 15,
    },
  );
  const other = sparseProduct(turned, identity, { width: 20 });
  for (let i = 0; i < 20; ++i) for (let j = 0; j < 15; ++j) expect(other[j * 20 + i]).toBe(dense[i * 15 + j]);
  const twice = sparseTranspose(sparseTranspose(turned));
  expect(twice).toEqual(turned);
});

test('empty: no rows, no columns, no width', () => {
  const none = { starts: new Uint32Array(1), indices: new Uint32Array(0), values: new Float32Array(0) };
  expect(sparseProduct({ rows: 0, columns: 3, ...none }, new Float32Array(6), { width: 2 })).toHaveLength(0);
  const rows = { rows: 2, columns: 0, ...none, starts: new Uint32Array(3) };
  expect([...sparseProduct(rows, new Float32Array(0), { width: 2 })]).toEqual([0, 0, 0, 0]);
  expect(sparseProduct(rows, new Float32Array(0), { width: 0 })).toHaveLength(0);
  expect(sparseTranspose(rows)).toEqual({ rows: 0, columns: 2, ...none });
});

test('a mistake is named; an abort ends it', async () => {
  const a: SparseRows = {
    ...{ rows: 2, columns: 2, starts: Uint32Array.of(0, 1, 2) },
    ...{ indices: Uint32Array.of(0, 1), values: Float32Array.of(1, 1) },
  };
  const b = new Float32Array(4);
  const product =
    (change: Partial<SparseRows>, dense = b, options: object = {}) =>
    () =>
      sparseProduct({ ...a, ...change }, dense, { width: 2, ...options });
  for (const [code, call] of [
    ['GRADSIFT_SHAPE', product({ starts: Uint32Array.of(1, 1, 2) })],
    ['GRADSIFT_SHAPE', product({ starts: Uint32Array.of(0, 2, 1) })],
    ['GRADSIFT_SHAPE', product({ starts: Uint32Array.of(0, 1, 3) })],
    ['GRADSIFT_SHAPE', product({ rows: 3 })],
    ['GRADSIFT_SHAPE', product({ columns: 3 })],
    ['GRADSIFT_SHAPE', product({}, b, { out: new Float32Array(3) })],
    ['GRADSIFT_DTYPE', product({}, new Float64Array(4) as never)],
    ['GRADSIFT_DTYPE', product({ indices: new Int32Array(2) as never })],
    ['GRADSIFT_ARGUMENT', product({}, b, { out: b })],
    ['GRADSIFT_ARGUMENT', product({}, b, { width: -1 })],
    ['GRADSIFT_ARGUMENT', () => sparseTranspose({ ...a, columns: 1 })],
  ] as const) {
    expect(thrownCode(call)).toBe(code);
  }
  const signal = AbortSignal.abort(new Error('no'));
  await expect(sparseProductAsync(a, b, { width: 2, signal })).rejects.toThrow('no');
});
