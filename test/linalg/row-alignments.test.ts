import { addRowAlignments, addRowAlignmentsAsync, type RowColumns } from '../../lib/linalg/row-alignments.js';
import { widen } from '../../lib/linalg/widen.js';
import { bits, dice, ISAS, random, restore, select, worstShare } from './isas.js';
import { normals, thrownCode, U64 } from './matrices.js';

const at = (values: ArrayLike<number>, i: number) => values[i] as number;

/** Sums over `columns` at a time, of x and, where there is one, of the target. */
function sumsOf(x: RowColumns, target: (RowColumns & { weights: Float64Array }) | undefined, length: number, run = {}) {
  const { columns = length, threads = 2 } = run as { columns?: number; threads?: number };
  const sums = {
    products: new Float64Array(x.count),
    squares: new Float64Array(x.count),
    targetSquare: new Float64Array(1),
  };
  for (let first = 0; first < length; first += columns) {
    const part = <Rows extends RowColumns>(rows: Rows): Rows => ({
      ...rows,
      rows: rows.rows.subarray(first),
      rowStride: rows.rowStride ?? length,
    });
    const width = Math.min(columns, length - first);
    addRowAlignments(part(x), target && part(target), sums, { length: width, threads });
  }
  return sums;
}

describe.each(ISAS)('on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  test.each([
    [1, 1, 1],
    [3, 2, 7],
    [7, 1, 1030],
    [14, 65, 300],
  ])('%i rows, %i of the target, %i columns', (count, targets, length) => {
    for (const dtype of ['f32', 'f64'] as const) {
      const [rows, target] = [random(dtype, 1, count * length), random(dtype, 2, targets * length)];
      const weights = normals(3, targets);
      const [h, size] = [new Float64Array(length), new Float64Array(length)];
      for (let j = 0; j < targets; ++j) {
        for (let p = 0; p < length; ++p) {
          h[p]! += at(weights, j) * at(target, j * length + p);
          size[p]! += Math.abs(at(weights, j) * at(target, j * length + p));
        }
      }
      const each = (term: (i: number, p: number) => number) =>
        Array.from({ length: count }, (_, i) => h.reduce((sum, _h, p) => sum + term(i, p), 0));
      const x = (i: number, p: number) => at(rows, i * length + p);
      const sums = sumsOf({ rows, count }, { rows: target, count: targets, weights }, length);
      const terms = 2 * (length + targets + 3);
      const products = each((i, p) => x(i, p) * at(h, p));
      const sizes = each((i, p) => Math.abs(x(i, p)) * at(size, p));
      expect(worstShare(sums.products, products, sizes, terms, U64)).toBeLessThanOrEqual(1);
      const squares = each((i, p) => x(i, p) ** 2);
      expect(worstShare(sums.squares, squares, squares, terms, U64)).toBeLessThanOrEqual(1);
      const square = [h.reduce((sum, value) => sum + value ** 2, 0)];
      const most = [size.reduce((sum, value) => sum + value ** 2, 0)];
      expect(worstShare(sums.targetSquare, square, most, 2 * terms, U64)).toBeLessThanOrEqual(1);
    }
  });

  test('the same bits for 1, 2, 3 and 7 threads, in parts of the columns, and on the pool', async () => {
    const [count, targets, length] = [16, 2, 33_001];
    const x = { rows: random('f32', 4, count * length), count };
    const target = { rows: random('f64', 5, targets * length), count: targets, weights: normals(6, targets) };
    const whole = sumsOf(x, target, length, { threads: 1 });
    for (const run of [{ threads: 2 }, { threads: 3, columns: 1024 }, { threads: 7, columns: 20 * 1024 }]) {
      expect(sumsOf(x, target, length, run)).toEqual(whole);
    }
    const pooled = {
      products: new Float64Array(count),
      squares: new Float64Array(count),
      targetSquare: Float64Array.of(0),
    };
    await addRowAlignmentsAsync(x, target, pooled, { length });
    expect(pooled).toEqual(whole);
  });

  test.each(['BF16', 'F16'] as const)('%s rows and targets: the bits of the numbers that they stand for', (dtype) => {
    const [count, targets, length] = [7, 3, 2055];
    const roll = dice(9);
    const stored = (rows: number) => Uint16Array.from({ length: rows * length }, () => roll(0x4800) | (roll(2) << 15));
    const [rows, target, weights] = [stored(count), stored(targets), normals(7, targets)];
    const numbers = { x: widen(rows, dtype), t: widen(target, dtype) };
    const expected = sumsOf({ rows: numbers.x, count }, { rows: numbers.t, count: targets, weights }, length);
    const half = { rows: target, count: targets, weights, dtype };
    expect(sumsOf({ rows, count, dtype }, half, length)).toEqual(expected);
    expect(sumsOf({ rows: numbers.x, count }, half, length)).toEqual(expected);
  });

  test('without a target, squares alone', () => {
    const [count, length] = [5, 1100];
    const rows = random('f32', 8, count * length);
    const target = { rows, count, weights: new Float64Array(count) };
    const sums = sumsOf({ rows, count }, undefined, length);
    expect(bits(sums.squares).equals(bits(sumsOf({ rows, count }, target, length).squares))).toBe(true);
    expect(sums.products).toEqual(new Float64Array(count));
    expect(sums.targetSquare[0]).toBe(0);
  });
});

test('a mistake is named', () => {
  const x = { rows: new Float32Array(6), count: 2 };
  const target = { rows: new Float32Array(3), count: 1, weights: new Float64Array(1) };
  const sums = { products: new Float64Array(2), squares: new Float64Array(2), targetSquare: new Float64Array(1) };
  for (const [code, call] of [
    ['GRADSIFT_SHAPE', () => addRowAlignments({ ...x, count: 3 }, target, sums, { length: 3 })],
    ['GRADSIFT_SHAPE', () => addRowAlignments(x, { ...target, count: 2 }, sums, { length: 3 })],
    ['GRADSIFT_SHAPE', () => addRowAlignments(x, { ...target, count: 0 }, sums, { length: 3 })],
    ['GRADSIFT_ARGUMENT', () => addRowAlignments({ ...x, rowStride: 2 }, target, sums, { length: 3 })],
    ['GRADSIFT_ARGUMENT', () => addRowAlignments(x, target, sums, { length: NaN })],
    ['GRADSIFT_SHAPE', () => addRowAlignments(x, target, { ...sums, squares: new Float64Array(1) }, { length: 3 })],
    ['GRADSIFT_ARGUMENT', () => addRowAlignments(x, target, { ...sums, squares: sums.products }, { length: 3 })],
    ['GRADSIFT_ARGUMENT', () => addRowAlignments({ ...x, rows: new Uint16Array(6) }, target, sums, { length: 3 })],
    ['GRADSIFT_DTYPE', () => addRowAlignments({ ...x, dtype: 'F16' }, target, sums, { length: 3 })],
  ] as const) {
    expect(thrownCode(call)).toBe(code);
  }
});
