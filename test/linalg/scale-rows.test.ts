import { scaleRows } from '../../lib/linalg/scale-rows.js';
import { ISAS, random, restore, select } from './isas.js';
import { thrownCode } from './matrices.js';

// Tails of every register width, one row, no rows.
const SHAPES = [
  [0, 5],
  [1, 1],
  [3, 7],
  [17, 33],
  [64, 129],
] as const;

describe.each(ISAS)('%s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  test.each(SHAPES)('%i rows of %i: one rounding an element, the same for any number of threads', (count, length) => {
    const rows = random('f32', 1, count * length) as Float32Array;
    const scales = random('f32', 2, count) as Float32Array;
    const exact = rows.map((value, at) => (scales[Math.floor(at / length)] as number) * value);
    for (const threads of [1, 2, 3, 7]) expect(scaleRows(rows, scales, { count, length, threads })).toEqual(exact);
  });
});

test('what does not fit is refused', () => {
  const [rows, scales] = [new Float32Array(6), new Float32Array(2)];
  const sizes = { count: 2, length: 3 };
  expect(thrownCode(() => scaleRows(rows, scales, { count: 2, length: 4 }))).toBe('GRADSIFT_SHAPE');
  expect(thrownCode(() => scaleRows(rows, scales, { count: NaN, length: 3 }))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => scaleRows(rows, new Float32Array(1), sizes))).toBe('GRADSIFT_SHAPE');
  expect(thrownCode(() => scaleRows(rows, [1, 2] as unknown as Float32Array, sizes))).toBe('GRADSIFT_DTYPE');
  expect(thrownCode(() => scaleRows(rows, scales, { ...sizes, out: rows }))).toBe('GRADSIFT_ARGUMENT');
});
