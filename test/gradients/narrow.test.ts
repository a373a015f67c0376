import { narrow } from '../../lib/gradients/narrow.js';
import { widen, type HalfDtype } from '../../lib/linalg/widen.js';

const FORMATS: readonly HalfDtype[] = ['BF16', 'F16'];
const EVERY = Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits);

describe.each(FORMATS)('%s', (dtype) => {
  const numbers = widen(EVERY, dtype);
  // The finite numbers from 0 up, in order: their bits count them.
  const rising = [...numbers.subarray(0, 0x8000)].filter((value) => Number.isFinite(value));

  test('every number of the format comes back as its own bits, NaN as a NaN', () => {
    const back = new Uint16Array(EVERY.length);
    expect(narrow(numbers, dtype, back)).toBe(-1);
    const again = widen(back, dtype);
    const wrong = [...EVERY].filter((bits) =>
      Number.isNaN(numbers[bits]) ? !Number.isNaN(again[bits]) : back[bits] !== bits,
    );
    expect(wrong).toEqual([]);
  });

  test('between two numbers: to the nearer, in the middle to the even one, on either side of zero', () => {
    const after = (value: number, steps: number) => {
      const bits = new Uint32Array(Float32Array.of(value).buffer);
      bits[0]! += steps;
      return new Float32Array(bits.buffer)[0] as number;
    };
    const cases = rising.slice(0, -1).flatMap((low, bits) => {
      const middle = (low + (rising[bits + 1] as number)) / 2; // exact in float32: one bit more, if it is not too small
      if (Math.fround(middle) !== middle) return [];
      const even = bits + (bits & 1);
      return [
        { value: middle, bits: even },
        { value: after(middle, 1), bits: bits + 1 },
        { value: after(middle, -1), bits },
      ];
    });
    expect(cases.length).toBeGreaterThan(3 * 30000);
    for (const sign of [1, -1]) {
      const values = Float32Array.from(cases, ({ value }) => sign * value);
      const out = new Uint16Array(values.length);
      expect(narrow(values, dtype, out)).toBe(-1);
      const wrong = cases.filter(({ bits }, at) => out[at] !== (bits | (sign < 0 ? 0x8000 : 0)));
      expect(wrong).toEqual([]);
    }
  });

  test('what is too large is told, infinity is not', () => {
    const largest = rising.at(-1) as number;
    const beyond = dtype === 'F16' ? 65520 : Math.fround(3.4e38);
    const values = Float32Array.of(1, Infinity, -Infinity, largest, -beyond, 1);
    const out = new Uint16Array(values.length);
    expect(narrow(values, dtype, out)).toBe(4);
    expect([...widen(out, dtype)]).toEqual([1, Infinity, -Infinity, largest, -Infinity, 1]);
  });
});
