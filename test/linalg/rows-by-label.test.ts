import { addRowsByLabel, addRowsByLabelAsync } from '../../lib/linalg/rows-by-label.js';
import { bits, dice, ISAS, random, restore, select } from './isas.js';
import { thrownCode } from './matrices.js';

describe.each(ISAS)('addRowsByLabel on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  // The last: columns shared out, rows in several tasks.
  test.each([
    [1, 1, 1],
    [10, 7, 3],
    [100, 33, 1],
    [65, 130, 70],
    [9000, 70, 5],
  ])('%i rows of %i, %i labels: sums in order of rows, on 1, 2, 3, 7 threads', async (count, length, segments) => {
    const roll = dice(1);
    const rows = random('f32', 1, count * length) as Float32Array;
    const labels = Uint32Array.from({ length: count }, () => roll(segments + 1)); // one of them belongs to no sum
    const before = random('f64', 2, segments * length) as Float64Array;
    const expected = before.slice();
    labels.forEach((label, i) => {
      for (let j = 0; label < segments && j < length; ++j) expected[label * length + j]! += rows[i * length + j]!;
    });
    const shape = { count, length, segments };
    for (const threads of [1, 2, 3, 7]) {
      const out = addRowsByLabel(rows, labels, { ...shape, threads, out: before.slice() });
      expect(bits(out).equals(bits(expected))).toBe(true);
    }
    expect(await addRowsByLabelAsync(rows, labels, { ...shape, out: before.slice() })).toEqual(expected);
  });
});

test('empty: no rows, rows of no elements, no sums; from zeros', () => {
  const none = new Float32Array(0);
  expect([...addRowsByLabel(none, new Uint32Array(0), { count: 0, length: 2, segments: 1 })]).toEqual([0, 0]);
  expect(addRowsByLabel(none, new Uint32Array(2), { count: 2, length: 0, segments: 1 })).toHaveLength(0);
  expect(addRowsByLabel(new Float32Array(2), new Uint32Array(1), { count: 1, length: 2, segments: 0 })).toHaveLength(0);
});

test('a mistake is named', () => {
  const rows = new Float32Array(6);
  const labels = new Uint32Array(2);
  const shape = { count: 2, length: 3, segments: 1 };
  for (const [code, call] of [
    ['GRADSIFT_SHAPE', () => addRowsByLabel(rows, labels, { ...shape, count: 3 })],
    ['GRADSIFT_SHAPE', () => addRowsByLabel(rows, new Uint32Array(1), shape)],
    ['GRADSIFT_SHAPE', () => addRowsByLabel(rows, labels, { ...shape, segments: 2, out: new Float64Array(5) })],
    ['GRADSIFT_DTYPE', () => addRowsByLabel(rows, new Int32Array(2) as never, shape)],
    ['GRADSIFT_DTYPE', () => addRowsByLabel(new Float64Array(6) as never, labels, shape)],
    ['GRADSIFT_ARGUMENT', () => addRowsByLabel(rows, labels, { ...shape, segments: -1 })],
  ] as const) {
    expect(thrownCode(call)).toBe(code);
  }
});
