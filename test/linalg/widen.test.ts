import { widen, widenAsync, type HalfDtype } from '../../lib/linalg/widen.js';
import { bits, ISAS, restore, select } from './isas.js';
import { thrownCode } from './matrices.js';

const ALL = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);

/** The value of a bit pattern by its definition: sign, exponent and fraction fields. */
function valueOf(pattern: number, exponentBits: number, fractionBits: number): number {
  const sign = pattern >> 15 === 1 ? -1 : 1;
  const exponent = (pattern >> fractionBits) & ((1 << exponentBits) - 1);
  const fraction = (pattern & ((1 << fractionBits) - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === (1 << exponentBits) - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const FORMATS: readonly (readonly [HalfDtype, number, number])[] = [
  ['F16', 5, 10],
  ['BF16', 8, 7],
];

describe.each(ISAS)('widen on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  test.each(FORMATS)('%s: every bit pattern, exactly', (dtype, exponentBits, fractionBits) => {
    const exact = Float32Array.from(ALL, (pattern) => valueOf(pattern, exponentBits, fractionBits));
    const wide = widen(ALL, dtype);
    let wrong = 0;
    for (let i = 0; i < wide.length; ++i) if (!Object.is(wide[i], exact[i])) ++wrong; // tells -0 from 0
    expect(wrong).toBe(0);
  });

  test('lengths around a register; nothing is written past the end', () => {
    for (let length = 0; length <= 40; ++length) {
      const out = new Float32Array(length + 3).fill(-7);
      expect(widen(ALL.subarray(0x3c00, 0x3c00 + length), 'F16', out)).toBe(out);
      expect(out.slice(length)).toEqual(new Float32Array(3).fill(-7));
      expect(bits(out.subarray(0, length)).equals(bits(widen(ALL, 'F16').slice(0x3c00, 0x3c00 + length)))).toBe(true);
    }
  });

  test('the same bits for more threads, and on the pool', async () => {
    const many = Uint16Array.from({ length: 600_000 }, (_, i) => i % 0x7c00);
    const one = bits(widen(many, 'F16', undefined, { threads: 1 }));
    expect(bits(widen(many, 'F16', undefined, { threads: 3 })).equals(one)).toBe(true);
    expect(bits(await widenAsync(many, 'F16')).equals(one)).toBe(true);
  });
});

test('a mistake is named', () => {
  expect(thrownCode(() => widen(new Int16Array(2) as never, 'F16'))).toBe('GRADSIFT_DTYPE');
  expect(thrownCode(() => widen(new Uint16Array(2), 'F32' as never))).toBe('GRADSIFT_ARGUMENT');
  expect(thrownCode(() => widen(new Uint16Array(2), 'F16', new Float32Array(1)))).toBe('GRADSIFT_SHAPE');
  expect(thrownCode(() => widen(new Uint16Array(2), 'F16', new Float64Array(2) as never))).toBe('GRADSIFT_DTYPE');
});
