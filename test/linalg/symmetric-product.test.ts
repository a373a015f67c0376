import { symmetricProduct, symmetricProductAsync } from '../../lib/linalg/symmetric-product.js';
import type { FloatArray } from '../../lib/native/binding.js';
import { array, bits, DTYPES, ISAS, random, restore, select, UNIT_ROUNDOFF, worstShare, type Dtype } from './isas.js';
import { thrownCode } from './matrices.js';

function symmetric(dtype: Dtype, seed: number, batch: number, n: number): FloatArray {
  const a = random(dtype, seed, batch * n * n);
  for (let item = 0; item < a.length; item += n * n) {
    for (let i = 0; i < n; ++i) for (let j = 0; j < i; ++j) a[item + j * n + i] = a[item + i * n + j] as number;
  }
  return a;
}

interface Scaling {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
}

/** alpha A B + beta C + gamma I, of its lower triangle only (the upper one is its mirror), and the absolute sums. */
function oracle(a: FloatArray, b: FloatArray, c: FloatArray, n: number, { alpha, beta, gamma }: Scaling) {
  const exact = new Float64Array(a.length);
  const size = new Float64Array(a.length);
  for (let item = 0; item < a.length; item += n * n) {
    for (let i = 0; i < n; ++i) {
      for (let j = 0; j <= i; ++j) {
        let [sum, absolute] = [0, 0];
        for (let p = 0; p < n; ++p) {
          const term = (a[item + i * n + p] as number) * (b[item + p * n + j] as number);
          sum += term;
          absolute += Math.abs(term);
        }
        const old = beta === 0 ? 0 : beta * (c[item + i * n + j] as number);
        const diagonal = i === j ? gamma : 0;
        for (const at of [item + i * n + j, item + j * n + i]) {
          exact[at] = alpha * sum + old + diagonal;
          size[at] = Math.abs(alpha) * absolute + Math.abs(old) + Math.abs(diagonal);
        }
      }
    }
  }
  return { exact, size };
}

function asymmetries(c: FloatArray, n: number): number {
  let count = 0;
  for (let item = 0; item < c.length; item += n * n) {
    for (let i = 0; i < n; ++i) for (let j = 0; j < i; ++j) if (c[item + i * n + j] !== c[item + j * n + i]) ++count;
  }
  return count;
}

describe.each(ISAS)('symmetricProduct on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  describe.each(DTYPES)('%s', (dtype) => {
    const unit = UNIT_ROUNDOFF[dtype] + UNIT_ROUNDOFF.f64;

    test.each([1, 2, 3, 7, 8, 9, 24, 31, 47, 48, 49, 150])('n = %i: squares and products of two', (n) => {
      const batch = n < 50 ? 3 : 1;
      const a = symmetric(dtype, n, batch, n);
      const b = symmetric(dtype, n + 1, batch, n);
      for (const [right, scaling] of [
        [a, { alpha: 1, beta: 0, gamma: 0 }],
        [a, { alpha: -0.5, beta: 0.25, gamma: 2 }],
        [b, { alpha: 1.5, beta: 1, gamma: -1 }],
      ] as const) {
        const before = symmetric(dtype, n + 2, batch, n);
        const out = before.slice() as FloatArray;
        // What must not be read: everything when beta is 0, else what lies above the diagonal.
        for (let at = 0; at < out.length; ++at) {
          const above = at % n > Math.floor(at / n) % n;
          if (scaling.beta === 0 || above) out[at] = NaN;
        }
        expect(symmetricProduct(a, right, { n, batch, ...scaling, out, threads: 2 })).toBe(out);
        const { exact, size } = oracle(a, right, before, n, scaling);
        // n products and n - 1 sums, then alpha, beta, gamma and their sums.
        expect(worstShare(out, exact, size, n + 5, unit)).toBeLessThanOrEqual(1);
        expect(asymmetries(out, n)).toBe(0);
      }
    });

    test('the same bits for 1, 2, 3 and 7 threads, and on the pool', async () => {
      const n = 300;
      const a = symmetric(dtype, 1, 1, n);
      const one = bits(symmetricProduct(a, a, { n, gamma: 1, threads: 1 }));
      for (const threads of [2, 3, 7]) {
        expect(bits(symmetricProduct(a, a, { n, gamma: 1, threads })).equals(one)).toBe(true);
      }
      expect(bits(await symmetricProductAsync(a, a, { n, gamma: 1 })).equals(one)).toBe(true);
    });

    test('empty', () => {
      expect(symmetricProduct(array(dtype, []), array(dtype, []), { n: 0 })).toHaveLength(0);
    });
  });
});

test('a mistake is named', () => {
  const a = new Float64Array(4);
  const code = (call: () => unknown) => thrownCode(call);
  expect(code(() => symmetricProduct(a, a, { n: 3 }))).toBe('GRADSIFT_SHAPE');
  expect(code(() => symmetricProduct(a, a, { n: 2, out: a }))).toBe('GRADSIFT_ARGUMENT');
  expect(code(() => symmetricProduct(a, a, { n: 2, beta: 1 }))).toBe('GRADSIFT_ARGUMENT');
  expect(code(() => symmetricProduct(a, new Float32Array(4) as never, { n: 2 }))).toBe('GRADSIFT_DTYPE');
  for (const gamma of [NaN, Infinity, '1', null]) {
    expect(code(() => symmetricProduct(a, a, { n: 2, gamma: gamma as never }))).toBe('GRADSIFT_ARGUMENT');
  }
  for (const n of [-1, 0.5, NaN, '2', null, undefined]) {
    expect(code(() => symmetricProduct(a, a, { n: n as never }))).toBe('GRADSIFT_ARGUMENT');
  }
});
