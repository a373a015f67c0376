import { matmul, matmulAsync, type MatmulOptions } from '../../lib/linalg/matmul.js';
import type { FloatArray } from '../../lib/native/binding.js';
import { array, bits, dice, DTYPES, ISAS, random, restore, select, UNIT_ROUNDOFF, worstShare } from './isas.js';
import { thrownCode } from './matrices.js';

type Case = Required<Omit<MatmulOptions, 'threads' | 'device'>>;

/** All options of a case, ld and strides as tight as they can be unless given. */
function complete(given: MatmulOptions): Case {
  const { m, k, n, batch = 1, transposeA = false, transposeB = false, alpha = 1, beta = 0 } = given;
  const { ldA = transposeA ? m : k, ldB = transposeB ? k : n, ldC = n } = given;
  const { strideA = (transposeA ? k : m) * ldA, strideB = (transposeB ? n : k) * ldB, strideC = m * ldC } = given;
  return { m, k, n, batch, transposeA, transposeB, alpha, beta, ldA, ldB, ldC, strideA, strideB, strideC };
}

const sizeOf = (batch: number, stride: number, rows: number, ld: number) => (batch - 1) * stride + rows * ld;

/** Elements to compare, as item, row, column: all of a small C; the corners and 300 others of a large one. */
function places(o: Case): (readonly [number, number, number])[] {
  const all = o.batch * o.m * o.n;
  const place = (at: number) => [Math.floor(at / (o.m * o.n)), Math.floor(at / o.n) % o.m, at % o.n] as const;
  if (all * o.k < 1e6) return Array.from({ length: all }, (_, at) => place(at));
  const roll = dice(all);
  const corners = [0, o.n - 1, (o.m - 1) * o.n, o.m * o.n - 1, all - o.m * o.n, all - 1];
  return [...corners, ...Array.from({ length: 300 }, () => roll(all))].map(place);
}

/** Elements of C by plain loops in float64, what came instead, and the sum of absolute values behind each. */
function oracle(a: FloatArray, b: FloatArray, before: FloatArray, after: FloatArray, o: Case) {
  const [exact, actual, size]: [number[], number[], number[]] = [[], [], []];
  for (const [item, i, j] of places(o)) {
    let [sum, absolute] = [0, 0];
    for (let p = 0; p < o.k; ++p) {
      const x = a[item * o.strideA + (o.transposeA ? p * o.ldA + i : i * o.ldA + p)] as number;
      const y = b[item * o.strideB + (o.transposeB ? j * o.ldB + p : p * o.ldB + j)] as number;
      sum += x * y;
      absolute += Math.abs(x * y);
    }
    const at = item * o.strideC + i * o.ldC + j;
    const old = o.beta === 0 ? 0 : o.beta * (before[at] as number);
    exact.push(o.alpha * sum + old);
    actual.push(after[at] as number);
    size.push(Math.abs(o.alpha) * absolute + Math.abs(old));
  }
  return { exact, actual, size };
}

/** How many elements that lie outside C have changed. */
function touched(before: FloatArray, after: FloatArray, o: Case): number {
  let changed = 0;
  for (let at = 0; at < after.length; ++at) {
    const place = at - Math.min(o.batch - 1, Math.floor(at / o.strideC)) * o.strideC;
    const outside = place % o.ldC >= o.n || place >= o.m * o.ldC;
    if (outside && after[at] !== before[at]) ++changed;
  }
  return changed;
}

const SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 31, 33, 47, 48, 49, 64];

function randomCase(seed: number): Case {
  const roll = dice(seed);
  const pick = () => SIZES[roll(SIZES.length)] as number;
  const [m, n, k] = [pick(), pick(), pick()];
  const [transposeA, transposeB] = [roll(2) === 1, roll(2) === 1];
  const ldA = (transposeA ? m : k) + roll(2) * roll(5);
  const ldB = (transposeB ? k : n) + roll(2) * roll(5);
  const ldC = n + roll(2) * roll(5);
  const strideA = roll(3) === 0 ? 0 : (transposeA ? k : m) * ldA + roll(3);
  const strideB = roll(3) === 0 ? 0 : (transposeB ? n : k) * ldB + roll(3);
  const [alpha, beta] = [[1, -1.5, 0.25][roll(3)] as number, [0, 1, -0.5][roll(3)] as number];
  const strideC = m * ldC + roll(3);
  return complete({
    m,
    n,
    k,
    batch: 1 + roll(3),
    transposeA,
    transposeB,
    ldA,
    ldB,
    ldC,
    strideA,
    strideB,
    strideC,
    alpha,
    beta,
  });
}

// One case for each way to cut the work: more rows than a task, more columns than are packed at once, depths over one
// block and over all that is packed at once, one panel of rows (B read in place), a batch in several parts.
const LARGE: readonly MatmulOptions[] = [
  { m: 600, n: 50, k: 300 },
  { m: 20, n: 2200, k: 20, transposeA: true },
  { m: 30, n: 40, k: 1500, transposeB: true },
  { m: 20, n: 2100, k: 300 },
  { m: 3, n: 500, k: 700 },
  { m: 3, n: 500, k: 300, transposeB: true },
  { m: 9, n: 130, k: 70, batch: 70, strideB: 0 },
  { m: 1, n: 1, k: 2000 },
  { m: 13, n: 90, k: 90, batch: 3 }, // tiles by rows of a B that stays near, then by columns of one that does not
  { m: 13, n: 100, k: 130, batch: 3, alpha: 0.5 },
  { m: 7, n: 250, k: 150, batch: 16 },
];

const shape = (o: MatmulOptions) =>
  Object.entries(o)
    .flatMap(([name, value]) => `${name} ${value}`)
    .join(', ');

describe.each(ISAS)('matmul on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  describe.each(DTYPES)('%s', (dtype) => {
    function check(o: Case, seed: number): void {
      const a = random(dtype, seed, sizeOf(o.batch, o.strideA, o.transposeA ? o.k : o.m, o.ldA));
      const b = random(dtype, seed + 1, sizeOf(o.batch, o.strideB, o.transposeB ? o.n : o.k, o.ldB));
      const before = random(dtype, seed + 2, sizeOf(o.batch, o.strideC, o.m, o.ldC) + 3);
      const out = before.slice() as FloatArray;
      if (o.beta === 0) {
        // Where C goes, poison that beta 0 must not read; around it, values that nobody may touch.
        for (let item = 0; item < o.batch; ++item) {
          for (let i = 0; i < o.m; ++i) out.fill(NaN, item * o.strideC + i * o.ldC, item * o.strideC + i * o.ldC + o.n);
        }
      }
      expect(matmul(a, b, { ...o, out, threads: 2 })).toBe(out);
      const { exact, actual, size } = oracle(a, b, before, out, o);
      // k products and k - 1 sums, then alpha, beta and their sum; rounded by both sides of the comparison.
      const unit = UNIT_ROUNDOFF[dtype] + UNIT_ROUNDOFF.f64;
      expect(worstShare(actual, exact, size, o.k + 3, unit)).toBeLessThanOrEqual(1);
      expect(touched(before, out, o)).toBe(0);
    }

    test('80 random shapes, strides, transposes, broadcasts, alpha and beta', () => {
      for (let seed = 1; seed <= 80; ++seed) check(randomCase(seed), 100 * seed);
    });

    test.each(LARGE.map((o) => [shape(o), o] as const))('%s', (_, o) => check(complete(o), 7));

    test('the same bits for 1, 2, 3 and 7 threads, and on the pool', async () => {
      for (const o of [...LARGE, { m: 200, n: 300, k: 260, alpha: 0.5 }]) {
        const all = complete(o);
        const a = random(dtype, 1, sizeOf(all.batch, all.strideA, all.transposeA ? all.k : all.m, all.ldA));
        const b = random(dtype, 2, sizeOf(all.batch, all.strideB, all.transposeB ? all.n : all.k, all.ldB));
        const one = bits(matmul(a, b, { ...all, threads: 1 }));
        for (const threads of [2, 3, 7]) expect(bits(matmul(a, b, { ...all, threads })).equals(one)).toBe(true);
        expect(bits(await matmulAsync(a, b, { ...all, threads: 3 })).equals(one)).toBe(true);
      }
    });

    test('B read in place has the bits of B packed, whatever alpha, beta and threads', () => {
      // 150 rows: B is packed where it lies transposed, and read in place where it does not.
      const [m, n, k] = [150, 101, 180];
      const [a, b, before] = [random(dtype, 8, m * k), random(dtype, 9, k * n), random(dtype, 10, m * n)];
      const turned = b.slice();
      for (let p = 0; p < k; ++p) for (let j = 0; j < n; ++j) turned[j * k + p] = b[p * n + j] ?? 0;
      for (const [alpha, beta] of [
        [1, 0],
        [-0.7, 1.3],
      ] as const) {
        const inPlace = { m, n, k, alpha, beta };
        const packed = matmul(a, turned, { ...inPlace, transposeB: true, out: before.slice() });
        for (const threads of [1, 3]) {
          const actual = matmul(a, b, { ...inPlace, threads, out: before.slice() });
          expect(bits(actual).equals(bits(packed))).toBe(true);
        }
      }
    });

    test('a part of a product has the bits of the whole', () => {
      const [m, n, k] = [70, 110, 300];
      const [a, b] = [random(dtype, 3, m * k), random(dtype, 4, k * n)];
      const whole = matmul(a, b, { m, n, k });
      for (const [row, rows, column, columns] of [
        [0, 3, 0, 5],
        [5, 9, 50, 60],
        [69, 1, 109, 1],
        [13, 50, 7, 49],
      ] as const) {
        const part = matmul(a.subarray(row * k), b.subarray(column), { m: rows, n: columns, k, ldB: n });
        for (let i = 0; i < rows; ++i) {
          const expected = whole.slice((row + i) * n + column, (row + i) * n + column + columns);
          expect(bits(part.subarray(i * columns, (i + 1) * columns)).equals(bits(expected))).toBe(true);
        }
      }
    });

    test('NaN and infinity reach the rows and columns they belong to, and no others', () => {
      const [m, n, k] = [20, 50, 30];
      const [a, b] = [random(dtype, 5, m * k), random(dtype, 6, k * n)];
      a[7 * k + 3] = NaN;
      b[4 * n + 49] = Infinity;
      const c = matmul(a, b, { m, n, k });
      for (let i = 0; i < m; ++i) {
        for (let j = 0; j < n; ++j) {
          const expected = i === 7 ? 'NaN' : j === 49 ? 'infinite' : 'finite';
          const value = c[i * n + j] as number;
          const kind = Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? 'finite' : 'infinite';
          expect([i, j, kind]).toEqual([i, j, expected]);
        }
      }
    });

    test('empty sums: k = 0 leaves beta C; m, n or batch = 0 leave everything', () => {
      const none = array(dtype, []);
      const poisoned = () => array(dtype, [NaN, NaN, NaN, NaN]);
      expect(Array.from(matmul(none, none, { m: 2, n: 2, k: 0, out: poisoned() }))).toEqual([0, 0, 0, 0]);
      const scaled = matmul(none, none, { m: 2, n: 2, k: 0, beta: 0.5, out: array(dtype, [1, 2, 3, 4]) });
      expect(Array.from(scaled)).toEqual([0.5, 1, 1.5, 2]);
      const x = random(dtype, 1, 6);
      expect(matmul(none, x, { m: 0, n: 3, k: 2 })).toHaveLength(0);
      expect(matmul(x, none, { m: 3, n: 0, k: 2 })).toHaveLength(0);
      expect(matmul(none, none, { m: 2, n: 2, k: 2, batch: 0, out: poisoned() }).every(Number.isNaN)).toBe(true);
    });
  });
});

test('a mistake is named before anything is computed', () => {
  const a = new Float64Array(6);
  const sizes = { m: 2, n: 3, k: 3 };
  const b = new Float64Array(9);
  const codes: readonly [string, () => unknown][] = [
    ['GRADSIFT_SHAPE', () => matmul(a.subarray(1), b, sizes)],
    ['GRADSIFT_SHAPE', () => matmul(a, b.subarray(1), sizes)],
    ['GRADSIFT_SHAPE', () => matmul(a, b, { ...sizes, out: new Float64Array(5) })],
    ['GRADSIFT_DTYPE', () => matmul(a, Float32Array.from(b) as never, sizes)],
    ['GRADSIFT_DTYPE', () => matmul([1, 2] as never, b, sizes)],
    ['GRADSIFT_DTYPE', () => matmul(null as never, b, sizes)],
    ['GRADSIFT_ARGUMENT', () => matmul(a, b, { ...sizes, beta: 1 })],
    ['GRADSIFT_ARGUMENT', () => matmul(a, b, { ...sizes, ldA: 2 })],
    ['GRADSIFT_ARGUMENT', () => matmul(a, b, { ...sizes, transposeA: 1 as never })],
    ['GRADSIFT_ARGUMENT', () => matmul(a, b, { ...sizes, out: b.subarray(0, 6) })],
    ['GRADSIFT_ARGUMENT', () => matmul(a, b, { ...sizes, threads: 0 })],
    ...[NaN, Infinity, '1', null].map(
      (alpha) => ['GRADSIFT_ARGUMENT', () => matmul(a, b, { ...sizes, alpha: alpha as never })] as const,
    ),
    ...[-1, 1.5, NaN, Infinity, '2', null, undefined].map(
      (m) => ['GRADSIFT_ARGUMENT', () => matmul(a, b, { ...sizes, m: m as never })] as const,
    ),
  ] as never;
  codes.forEach(([code, call], at) => expect([at, thrownCode(call)]).toEqual([at, code]));
});
