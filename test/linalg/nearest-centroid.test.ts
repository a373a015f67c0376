import { nearestCentroid, nearestCentroidAsync, type Nearest } from '../../lib/linalg/nearest-centroid.js';
import { ALL_ISAS, bits, integers, random, restore, select } from './isas.js';
import { thrownCode, U32 } from './matrices.js';

afterAll(restore);

interface Problem {
  readonly rows: Float32Array;
  readonly centroids: Float32Array;
  readonly count: number;
  readonly length: number;
  readonly clusters: number;
}

const floats = (seed: number, length: number) => random('f32', seed, length) as Float32Array;

// Blocks of 64 rows, slabs of 1152 centroids, depth blocks of 512, odd lengths, and tails of every register.
const SHAPES = [
  [1, 1, 1],
  [3, 7, 2],
  [65, 33, 17],
  [130, 8, 49],
  [70, 513, 130],
  [66, 20, 1200],
] as const;

/** Ways in which centroids lie: apart, in crowds too close for bfloat16, far from the origin, equal, ... */
const CLOUDS: Record<string, (problem: Problem) => void> = {
  normal: () => undefined,
  crowds: ({ rows, centroids, count, length, clusters }) => {
    // Eight near each other: within the rounding of bfloat16, beyond that of float32.
    for (let i = 8 * length; i < clusters * length; ++i) {
      centroids[i] = (centroids[i % (8 * length)] as number) * (1 + 2 ** -12 * (Math.floor(i / (8 * length)) % 8));
    }
    for (let i = 0; i < count * length; ++i) rows[i] = (centroids[i % (clusters * length)] as number) + 0.01 * rows[i]!;
  },
  far: ({ rows, centroids }) => {
    rows.forEach((x, i) => (rows[i] = x + 100));
    centroids.forEach((x, i) => (centroids[i] = x + 100));
  },
  twins: ({ centroids, length, clusters }) => {
    centroids.copyWithin(Math.floor(clusters / 2) * length, 0, Math.ceil(clusters / 2) * length);
  },
  'of every size': ({ rows, centroids, length }) => {
    const size = (i: number) => 2 ** (((Math.floor(i / length) * 7) % 60) - 30);
    rows.forEach((x, i) => (rows[i] = x * size(i)));
    centroids.forEach((x, i) => (centroids[i] = x * size(i)));
  },
  'tiny and zero': ({ rows, centroids, length }) => {
    rows.forEach((x, i) => (rows[i] = Math.floor(i / length) % 2 === 0 ? x * 2 ** -140 : 0));
    centroids.forEach((x, i) => (centroids[i] = x * 2 ** -130));
  },
  'not finite': ({ rows, centroids, length }) => {
    rows.forEach((_, i) => {
      const row = Math.floor(i / length);
      if (row % 5 === 2) rows[i] = [NaN, Infinity, -Infinity, 3e38][row % 4] as number;
    });
    [NaN, 3e38, Infinity, 1e19].forEach((odd, which) => {
      if (centroids.length > (which + 3) * length) centroids[(which + 3) * length] = odd;
    });
  },
};

function problem(cloud: string, [count, length, clusters]: readonly [number, number, number]): Problem {
  const made = { rows: floats(1, count * length), centroids: floats(2, clusters * length), count, length, clusters };
  CLOUDS[cloud]!(made);
  return made;
}

const run = (p: Problem, options: { threads?: number; prefilter?: boolean } = {}) =>
  nearestCentroid(p.rows, p.centroids, { ...p, ...options });

const same = (a: Nearest, b: Nearest) => bits(a.labels).equals(bits(b.labels)) && bits(a.scores).equals(bits(b.scores));

/** Scores of all pairs in float64, and what rounding may do to each in float32: products, half square, difference. */
function exactScores({ rows, centroids, count, length, clusters }: Problem) {
  const scores = new Float64Array(count * clusters);
  const errors = new Float64Array(count * clusters);
  for (let i = 0, at = 0; i < count; ++i) {
    for (let j = 0; j < clusters; ++j, ++at) {
      let [dot, size, square] = [0, 0, 0];
      for (let p = 0, x = i * length, c = j * length; p < length; ++p, ++x, ++c) {
        const product = rows[x]! * centroids[c]!;
        dot += product;
        size += Math.abs(product);
        square += centroids[c]! * centroids[c]!;
      }
      scores[at] = dot - square / 2;
      errors[at] = (length + Math.ceil(length / 512)) * U32 * size + 2 * U32 * (Math.abs(dot) + square / 2);
    }
  }
  return { scores, errors };
}

/** The worst of what is too much, as a share of what rounding may do to a score, and to the choice between two. */
function worst(clusters: number, exact: ReturnType<typeof exactScores>, { labels, scores }: Nearest): number {
  let most = 0;
  for (let i = 0; i < labels.length; ++i) {
    const own = exact.scores.subarray(i * clusters, (i + 1) * clusters);
    const errors = exact.errors.subarray(i * clusters, (i + 1) * clusters);
    const label = labels[i]!;
    const best = own.indexOf(own.reduce((top, score) => Math.max(top, score)));
    most = Math.max(most, Math.abs(scores[i]! - own[label]!) / errors[label]!);
    if (label !== best) most = Math.max(most, (own[best]! - own[label]!) / (errors[best]! + errors[label]!));
  }
  return most;
}

test.each(SHAPES)('%i rows of %i, %i centroids: the nearest, on every instruction set', (...shape) => {
  for (const cloud of ['normal', 'crowds', 'far', 'of every size']) {
    const p = problem(cloud, shape);
    const exact = exactScores(p);
    for (const isa of ALL_ISAS) {
      select(isa)();
      // 2^-10: terms of second order.
      expect([cloud, isa, worst(p.clusters, exact, run(p)) <= 1 + 2 ** -10]).toEqual([cloud, isa, true]);
    }
  }
  restore();
});

describe.each(ALL_ISAS)('nearestCentroid on %s', (isa) => {
  beforeAll(select(isa));
  afterAll(restore);

  test.each(SHAPES)(
    '%i rows of %i, %i centroids: the same with and without the prefilter, on 1, 2, 3, 7 threads',
    (...shape) => {
      for (const cloud of Object.keys(CLOUDS)) {
        const p = problem(cloud, shape);
        const plain = run(p, { threads: 1, prefilter: false });
        for (const [threads, prefilter] of [
          [1, true],
          [2, false],
          [3, true],
          [7, true],
          [7, false],
        ] as const) {
          const equal = same(run(p, { threads, prefilter }), plain);
          expect([cloud, threads, prefilter, equal]).toEqual([cloud, threads, prefilter, true]);
        }
        expect(same(run(p), plain)).toBe(true);
      }
    },
  );

  test('ties go to the first, in and across registers, panels and slabs', () => {
    const [count, length, clusters] = [20, 5, 2500];
    const rows = integers('f32', 3, count * length) as Float32Array;
    const centroids = new Float32Array(clusters * length);
    const few = integers('f32', 4, 3 * length);
    for (const [firsts, prefilter] of [
      [[2, 3, 700], true],
      [[17, 1200, 2300], true],
      [[17, 1200, 2300], false],
      [[0, 47, 48], false],
    ] as const) {
      // Far away, where no row is nearer; the few from their first place on, again and again.
      centroids.fill(1000);
      firsts.forEach((first, which) => {
        for (let j = first; j < clusters; j += 97 + which)
          centroids.set(few.subarray(which * length, (which + 1) * length), j * length);
      });
      const p = { rows, centroids, count, length, clusters };
      const { labels, scores } = run(p, { prefilter });
      for (let i = 0; i < count; ++i) {
        const score = (j: number) => {
          let sum = 0;
          for (let e = 0; e < length; ++e)
            sum += centroids[j * length + e]! * (rows[i * length + e]! - centroids[j * length + e]! / 2);
          return sum;
        };
        const all = Array.from({ length: clusters }, (_, j) => score(j));
        const most = Math.max(...all);
        expect([labels[i], scores[i]]).toEqual([all.indexOf(most), most]); // small integers: all sums are exact
      }
    }
  });
});

test('what is not finite: NaN rows have label 0 and -Infinity, NaN centroids are never chosen', () => {
  const rows = Float32Array.of(1, 0, NaN, 0, 0, 1);
  const centroids = Float32Array.of(NaN, 1, 2, 0, 0, 2);
  for (const prefilter of [true, false]) {
    const { labels, scores } = nearestCentroid(rows, centroids, { count: 3, length: 2, clusters: 3, prefilter });
    expect([[...labels], [...scores]]).toEqual([
      [1, 0, 2],
      [0, -Infinity, 0],
    ]);
  }
});

test('rows of no elements, no rows, and arrays to write to', () => {
  const none = new Float32Array(0);
  const labels = Uint32Array.of(9, 9, 9);
  const scores = Float32Array.of(9, 9, 9);
  nearestCentroid(none, none, { count: 2, length: 0, clusters: 3, labels, scores });
  expect([[...labels], [...scores]]).toEqual([
    [0, 0, 9],
    [0, 0, 9],
  ]);
  expect(nearestCentroid(none, new Float32Array(3), { count: 0, length: 3, clusters: 1 }).labels).toHaveLength(0);
});

test('asynchronously the same; an abort rejects with its reason', async () => {
  const p = problem('normal', [3000, 64, 200]);
  expect(same(await nearestCentroidAsync(p.rows, p.centroids, p), run(p))).toBe(true);
  const controller = new AbortController();
  const call = nearestCentroidAsync(p.rows, p.centroids, { ...p, signal: controller.signal });
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test('a mistake is named', () => {
  const rows = new Float32Array(6);
  const centroids = new Float32Array(3);
  const shape = { count: 2, length: 3, clusters: 1 };
  for (const [code, call] of [
    ['GRADSIFT_SHAPE', () => nearestCentroid(rows, centroids, { ...shape, count: 3 })],
    ['GRADSIFT_SHAPE', () => nearestCentroid(rows, centroids, { ...shape, clusters: 2 })],
    ['GRADSIFT_SHAPE', () => nearestCentroid(rows, centroids, { ...shape, labels: new Uint32Array(1) })],
    ['GRADSIFT_ARGUMENT', () => nearestCentroid(rows, centroids, { ...shape, clusters: 0 })],
    ['GRADSIFT_ARGUMENT', () => nearestCentroid(rows, centroids, { ...shape, length: 1.5 })],
    ['GRADSIFT_ARGUMENT', () => nearestCentroid(rows, centroids, { ...shape, scores: rows })],
    ['GRADSIFT_ARGUMENT', () => nearestCentroid(rows, centroids, { ...shape, prefilter: 1 as never })],
    ['GRADSIFT_DTYPE', () => nearestCentroid(new Float64Array(6) as never, centroids, shape)],
    ['GRADSIFT_DTYPE', () => nearestCentroid(rows, centroids, { ...shape, labels: new Int32Array(2) as never })],
  ] as const) {
    expect(thrownCode(call)).toBe(code);
  }
});
