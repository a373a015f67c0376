import { eigh, eighAsync, type EighOptions } from '../../lib/linalg/eigh.js';
import { bits, dice, ISAS, restore, select } from './isas.js';
import {
  diagonal,
  fisher,
  identity,
  logSpaced,
  multiply,
  norm,
  normals,
  rankOneUpdate,
  secondDifferences,
  thrownCode,
  U64,
  withSpectrum,
} from './matrices.js';

/** Sizes around the native blocks: 32 (panel, leaf), 64 (task of a triangle), 96 (reflections at a time). */
const SIZES = [1, 2, 3, 4, 7, 31, 32, 33, 63, 64, 65, 96, 99, 130, 193];

/** Symmetric with normal entries. */
function random(n: number, seed = 1): Float64Array {
  const a = normals(seed, n * n);
  for (let i = 0; i < n; ++i) for (let j = 0; j < i; ++j) a[j * n + i] = a[i * n + j] as number;
  return a;
}

/**
 * Householder and divide and conquer are backward stable with a modest constant times n (Golub and Van Loan, section
 * 8.3; Gu and Eisenstat, section 4). 4 n u in the Frobenius norm holds with room; a lost digit breaks it.
 */
const ROUNDINGS = (n: number) => 4 * (n + 8) * U64;

/** ||A X' - X' diag(w)||_F / ||A||_F and ||X X' - I||_F / sqrt(n), in units of the bound. */
function shares(a: Float64Array, n: number, values: Float64Array, vectors: Float64Array) {
  let residual = 0;
  let defect = 0;
  for (let k = 0; k < n; ++k) {
    const x = vectors.subarray(k * n, (k + 1) * n);
    const ax = multiply(a, x, n);
    for (let i = 0; i < n; ++i) residual += ((ax[i] as number) - (values[k] as number) * (x[i] as number)) ** 2;
    const overlaps = multiply(vectors, x, n);
    for (let i = 0; i < n; ++i) defect += ((overlaps[i] as number) - (i === k ? 1 : 0)) ** 2;
  }
  const size = norm(a);
  return {
    residual: size === 0 ? residual : Math.sqrt(residual) / size / ROUNDINGS(n),
    defect: Math.sqrt(defect / n) / ROUNDINGS(n),
  };
}

function expectDecomposition(a: Float64Array, n: number): Float64Array {
  const { values, vectors, status, statuses } = eigh(a, { n });
  expect([status, statuses]).toEqual(['ok', ['ok']]);
  const { residual, defect } = shares(a, n, values, vectors);
  expect(residual).toBeLessThanOrEqual(1);
  expect(defect).toBeLessThanOrEqual(1);
  for (let k = 1; k < n; ++k) expect(values[k]).toBeGreaterThanOrEqual(values[k - 1] as number);
  return values;
}

/** Weyl: eigenvalues move by at most the norm of the backward error. */
function expectValues(values: Float64Array, exact: ArrayLike<number>, size: number): void {
  const sorted = Float64Array.from(exact).sort();
  const bound = ROUNDINGS(values.length) * size;
  values.forEach((value, k) => expect(Math.abs(value - (sorted[k] as number))).toBeLessThanOrEqual(bound));
}

describe.each(ISAS)('eigh on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  test.each(SIZES)('random, n = %i: residual, orthogonality, trace and Frobenius norm', (n) => {
    const a = random(n);
    const values = expectDecomposition(a, n);
    let trace = 0;
    for (let i = 0; i < n; ++i) trace += a[i * (n + 1)] as number;
    const sum = values.reduce((total, value) => total + value, 0);
    // sum |error| <= sqrt(n) ||errors||_2 <= sqrt(n) times the backward error (Hoffman and Wielandt).
    expect(Math.abs(sum - trace)).toBeLessThanOrEqual(Math.sqrt(n) * ROUNDINGS(n) * norm(a));
    expect(Math.abs(norm(values) - norm(a))).toBeLessThanOrEqual(ROUNDINGS(n) * norm(a));
  });

  test.each(SIZES)('second differences, n = %i: 2 - 2 cos(k pi / (n + 1))', (n) => {
    const a = secondDifferences(n);
    const exact = Array.from({ length: n }, (_, k) => 4 * Math.sin(((k + 1) * Math.PI) / (2 * (n + 1))) ** 2);
    expectValues(expectDecomposition(a, n), exact, norm(a));
  });

  test.each([2, 3, 40, 101])('Clement, n = %i: the integers 1 - n, 3 - n, ..., n - 1', (n) => {
    const a = new Float64Array(n * n);
    for (let i = 1; i < n; ++i) a[i * n + i - 1] = a[(i - 1) * n + i] = Math.sqrt(i * (n - i));
    const exact = Array.from({ length: n }, (_, k) => 2 * k + 1 - n);
    expectValues(expectDecomposition(a, n), exact, norm(a));
  });

  test.each([21, 121])('Wilkinson W+, n = %i: pairs that agree to many digits, orthogonal vectors', (n) => {
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; ++i) {
      a[i * n + i] = Math.abs(i - (n - 1) / 2);
      if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = 1;
    }
    const values = expectDecomposition(a, n);
    const close = (values[n - 1] as number) - (values[n - 2] as number);
    expect(close).toBeLessThanOrEqual(1e-13 + ROUNDINGS(n) * norm(a));
  });

  test('diagonal: the entries sorted, the axes', () => {
    const entries = normals(5, 70);
    const { values, vectors } = eigh(diagonal(entries), { n: 70 });
    expect(values).toEqual(entries.slice().sort());
    const where = Array.from(values, (value) => entries.indexOf(value));
    vectors.forEach((x, at) => expect(Math.abs(x)).toBe(where[Math.floor(at / 70)] === at % 70 ? 1 : 0));
  });

  test('[[2, 1], [1, 2]] and [[0, 1], [1, 0]]', () => {
    for (const [a, exact] of [
      [Float64Array.of(2, 1, 1, 2), [1, 3]],
      [Float64Array.of(0, 1, 1, 0), [-1, 1]],
    ] as const) {
      expectValues(expectDecomposition(a, 2), exact, norm(a));
    }
  });

  test.each([1, 5, 33, 100])('identity and zero, n = %i', (n) => {
    for (const [a, value] of [
      [identity(n), 1],
      [new Float64Array(n * n), 0],
    ] as const) {
      expect(expectDecomposition(a, n)).toEqual(new Float64Array(n).fill(value));
    }
  });

  test.each([
    ["rank one: u u'", rankOneUpdate(90, 0, 3), [...new Array<number>(89).fill(0), 270]],
    ["a I + b 1 1'", rankOneUpdate(90, -2, 0.5), [...new Array<number>(89).fill(-2), 43]],
    ['three values, each thirty times', withSpectrum(repeated(30, [1, 2, 5])), repeated(30, [1, 2, 5])],
    ['two clusters', withSpectrum(clusters(90)), clusters(90)],
    ['a Fisher matrix of rank 20', fisher(90, 20).g, null],
  ])('%s', (_, a, exact) => {
    const values = expectDecomposition(a, 90);
    if (exact !== null) expectValues(values, exact, norm(a));
    else expect(Math.abs(values[69] as number)).toBeLessThanOrEqual(ROUNDINGS(90) * norm(a));
  });

  test('graded over 30 orders of magnitude', () => {
    const scale = logSpaced(100, 1e15);
    const a = random(100).map((x, at) => x * (scale[Math.floor(at / 100)] as number) * (scale[at % 100] as number));
    expectDecomposition(a, 100);
    expectDecomposition(a.slice().reverse(), 100);
    expectDecomposition(withSpectrum(logSpaced(100, 1e12)), 100);
  });

  test('tridiagonal: Wilkinson matrices glued by tiny entries, and entries over 300 orders of magnitude', () => {
    const n = 126;
    const roll = dice(9);
    const glued = new Float64Array(n * n);
    const wild = new Float64Array(n * n);
    for (let i = 0; i < n; ++i) {
      glued[i * n + i] = Math.abs((i % 21) - 10);
      wild[i * n + i] = 10 ** -roll(300);
      if (i === 0) continue;
      glued[i * n + i - 1] = i % 21 === 0 ? 10 ** -roll(18) : 1;
      wild[i * n + i - 1] = 10 ** -roll(300);
    }
    for (const a of [glued, wild]) {
      for (let i = 1; i < n; ++i) a[(i - 1) * n + i] = a[i * n + i - 1] as number;
      expectDecomposition(a, n);
    }
  });

  test.each([-1000, -510, 500, 1000])('scaled by 2^%i: the same vectors, values scaled to the last bit', (exponent) => {
    const a = random(50);
    const plain = eigh(a, { n: 50 });
    const factor = 2 ** exponent;
    const scaled = eigh(
      a.map((x) => x * factor),
      { n: 50 },
    );
    expect(scaled.vectors).toEqual(plain.vectors);
    expect(scaled.values).toEqual(plain.values.map((x) => x * factor));
  });

  test('entries near the ends of the range', () => {
    expect(eigh(Float64Array.of(5e-324), { n: 1 }).values).toEqual(Float64Array.of(5e-324));
    const { status, values } = eigh(new Float64Array(100).fill(1e308), { n: 10 });
    expect([status, values]).toEqual(['nonFinite', new Float64Array(10)]); // 1e309 is no double
    expect(eigh(new Float64Array(100).fill(1e307), { n: 10 }).status).toBe('ok');
  });

  test('the same bits for 1, 2, 3 and 7 threads, and on the pool', async () => {
    for (const n of [70, 300]) {
      const a = random(n, n);
      const one = eigh(a, { n, threads: 1 });
      for (const threads of [2, 3, 7]) {
        const other = eigh(a, { n, threads });
        expect(bits(other.values).equals(bits(one.values))).toBe(true);
        expect(bits(other.vectors).equals(bits(one.vectors))).toBe(true);
      }
      const { values, vectors } = await eighAsync(a, { n });
      expect([bits(values).equals(bits(one.values)), bits(vectors).equals(bits(one.vectors))]).toEqual([true, true]);
    }
  });

  test('a batch: each as if alone, with its own status; only the lower triangle is read; out is used', () => {
    const n = 20;
    const batch = 5;
    const a = new Float64Array(batch * n * n);
    for (let b = 0; b < batch; ++b) a.set(random(n, b), b * n * n);
    a[2 * n * n + 3 * n] = NaN;
    const upper = a.map((x, at) => (at % n > Math.floor(at / n) % n ? NaN : x));
    const out = { values: new Float64Array(batch * n), vectors: new Float64Array(batch * n * n) };
    const all = eigh(upper, { n, batch, out, threads: 3 });
    expect(all.values).toBe(out.values);
    expect(all.vectors).toBe(out.vectors);
    expect(all.status).toBe('nonFinite');
    expect(all.statuses).toEqual(['ok', 'ok', 'nonFinite', 'ok', 'ok']);
    for (let b = 0; b < batch; ++b) {
      const one = eigh(a.slice(b * n * n, (b + 1) * n * n), { n });
      expect(one.status).toBe(all.statuses[b]);
      expect(all.values.slice(b * n, (b + 1) * n)).toEqual(one.values);
      expect(all.vectors.slice(b * n * n, (b + 1) * n * n)).toEqual(one.vectors);
    }
    expect(all.vectors.subarray(2 * n * n, 3 * n * n)).toEqual(new Float64Array(n * n));
  });
});

function repeated(times: number, values: readonly number[]): number[] {
  return values.flatMap((value) => new Array<number>(times).fill(value));
}

/** Half of the values within 1e-14 of 1, half within 1e-9 of 2. */
function clusters(n: number): number[] {
  return Array.from({ length: n }, (_, k) => (k % 2 === 0 ? 1 + (k * 1e-14) / n : 2 + (k * 1e-9) / n));
}

test.each([NaN, Infinity, -Infinity])('%p in the lower triangle: nonFinite and zeros', (bad) => {
  const a = random(40);
  a[39 * 40 + 7] = bad;
  const { status, values, vectors } = eigh(a, { n: 40 });
  expect([status, values, vectors]).toEqual(['nonFinite', new Float64Array(40), new Float64Array(1600)]);
});

test('cancels', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const running = eighAsync(random(900), { n: 900, signal: controller.signal });
  setTimeout(() => controller.abort(reason), 5);
  await expect(running).rejects.toBe(reason);
});

test('a mistake is named', () => {
  const a = new Float64Array(9);
  const code = (options: unknown, matrix: unknown = a) =>
    thrownCode(() => eigh(matrix as Float64Array, options as EighOptions));
  for (const n of [0, -1, 1.5, NaN, Infinity, '3', null, undefined]) expect(code({ n })).toBe('GRADSIFT_ARGUMENT');
  for (const batch of [0, -1, NaN, '1', null]) expect(code({ n: 3, batch })).toBe('GRADSIFT_ARGUMENT');
  for (const threads of [0, NaN, '2']) expect(code({ n: 3, threads })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ n: 4 })).toBe('GRADSIFT_SHAPE');
  expect(code({ n: 3, batch: 2 })).toBe('GRADSIFT_SHAPE');
  expect(code({ n: 3, out: { values: new Float64Array(2) } })).toBe('GRADSIFT_SHAPE');
  expect(code({ n: 3, out: { vectors: new Float64Array(8) } })).toBe('GRADSIFT_SHAPE');
  expect(code({ n: 3, out: { vectors: a } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ n: 3, out: { values: a.subarray(3) } })).toBe('GRADSIFT_ARGUMENT');
  expect(code({ n: 3, out: { values: new Float32Array(3) } })).toBe('GRADSIFT_DTYPE');
  for (const matrix of [new Float32Array(9), [1], null]) expect(code({ n: 3 }, matrix)).toBe('GRADSIFT_DTYPE');
});
