// Identities between methods that hold exactly, whatever the data (numbers O.. are those of the specification).
import { influence } from '../../lib/influence/influence.js';
import type { InfluenceOptions, MethodName } from '../../lib/influence/options.js';
import { maxAbs, noise, noisyBlock, O1, relativeGap, store, type Block } from './fixtures.js';

const UNIT_ROUNDOFF = 2 ** -53;
/** Sums of `terms` products, through a matrix of condition `condition`, in both sides of a comparison. */
const bound = (terms: number, condition: number) => 4 * terms * condition * UNIT_ROUNDOFF;

type Layers = Readonly<Record<string, Block>>;

async function run(method: MethodName, train: Layers, val: Layers, options: Partial<InfluenceOptions> = {}) {
  const result = await influence({ train: await store(train), val: await store(val), methods: [method], ...options });
  return result.methods[method]?.scores[0] as Float64Array;
}

const layer = (block: Block): Layers => ({ layer: block });
const random = (seed: number, n: number, r: number, d: number) => layer(noisyBlock(seed, n, r, d));
const repeat = (rows: Float64Array, factors: readonly number[]): Float64Array =>
  Float64Array.from(factors.flatMap((factor) => Array.from(rows, (value) => factor * value)));

describe('O3, O4: the textbook iteration', () => {
  test('k steps are 2^k - 1 recursions of LiSSA on the GFIM, times a', async () => {
    const [train, val] = [random(1, 40, 3, 6), random(2, 5, 3, 6)];
    for (const k of [1, 2, 5]) {
      const schulz = await run('hyperinf', train, val, { solver: 'schulz', schulz: { alpha: 0.25, steps: k } });
      const lissa = { stepSize: 0.25, steps: 2 ** k - 1, tolerance: 0 };
      expect(relativeGap(schulz, await run('lissa-gfim', train, val, { lissa }))).toBeLessThanOrEqual(
        bound(40 * 18, 32),
      );
    }
  });

  test('on a diagonal GFIM the gain of an eigenvalue mu is (1 - (1 - alpha mu)^(2^k)) / mu', async () => {
    // Three samples, each along one axis: G = diag(mu) / 3 with mu = g^2.
    const train = layer({ shape: [3, 1, 3], rows: Float64Array.of(3, 0, 0, 0, 2, 0, 0, 0, 1) });
    const val = layer({ shape: [1, 1, 3], rows: Float64Array.of(1, 1, 1) });
    const [alpha, steps, damping] = [0.2, 3, 0.05];
    const scores = await run('hyperinf', train, val, { solver: 'schulz', schulz: { alpha, steps }, damping });
    const expected = [3, 2, 1].map((g) => {
      const mu = (g * g) / 3 + damping;
      return (-g * (1 - (1 - alpha * mu) ** (2 ** steps))) / mu;
    });
    expect(relativeGap(scores, expected)).toBeLessThanOrEqual(bound(10, 8));
  });

  test('a start beyond 2 / mu_max diverges, says so, and contributes nothing', async () => {
    const options = { solver: 'schulz', schulz: { alpha: 1, steps: 12 } } as const;
    const [train, val] = [await store(O1.train), await store(O1.val)];
    const { methods } = await influence({ train, val, ...options });
    expect(methods.hyperinf?.status).toBe('diverged');
    expect(maxAbs(methods.hyperinf?.scores[0] as Float64Array)).toBe(0);
  });

  test('muCutoff is 1 / (alpha 2^steps)', async () => {
    const [train, val] = [await store(O1.train), await store(O1.val)];
    const { methods } = await influence({ train, val, preset: 'vlm' });
    expect(methods.hyperinf?.layers[0]?.muCutoff).toBe(1 / (5e-5 * 2 ** 15));
  });
});

describe('O5: DataInf is the exact Fisher', () => {
  const val = random(4, 3, 2, 5);
  test('for one sample', async () => {
    const train = random(3, 1, 2, 5);
    expect(relativeGap(await run('datainf', train, val), await run('exact', train, val))).toBeLessThanOrEqual(
      bound(30, 101),
    );
  });
  test('for samples that are equal up to sign', async () => {
    const train = layer({ shape: [4, 2, 5], rows: repeat(noise(5, 10), [1, -1, -1, 1]) });
    expect(relativeGap(await run('datainf', train, val), await run('exact', train, val))).toBeLessThanOrEqual(
      bound(40, 101),
    );
  });
  test('not for parallel samples of different length', async () => {
    const train = layer({ shape: [4, 2, 5], rows: repeat(noise(5, 10), [1, 2, -3, 1]) });
    expect(relativeGap(await run('datainf', train, val), await run('exact', train, val))).toBeGreaterThan(0.1);
  });
  test('the mean of inverses is above the inverse of the mean', async () => {
    // Scoring the query itself: -v h, so <v, DataInf v> >= <v, exact v>, and <= ||v||^2 / lambda.
    const train = random(6, 30, 2, 5);
    const query = { shape: [1, 2, 5], rows: noise(7, 10) } as const;
    const damping = 0.05;
    const on = async (method: MethodName) =>
      -((await run(method, layer(query), layer(query), { damping, fitOn: await store(train) }))[0] as number);
    const [datainf, exact] = [await on('datainf'), await on('exact')];
    expect(datainf).toBeGreaterThan(exact);
    expect(datainf).toBeLessThanOrEqual(query.rows.reduce((sum, value) => sum + value * value, 0) / damping);
  });
});

describe('O6: r = 1', () => {
  const [train, val] = [random(8, 25, 1, 7), random(9, 4, 1, 7)];
  test('HyperINF is the exact Fisher', async () => {
    expect(relativeGap(await run('hyperinf', train, val), await run('exact', train, val))).toBeLessThanOrEqual(
      bound(25 * 7, 71),
    );
  });
  test('the matrix form of DataInf is its Frobenius form', async () => {
    const gap = relativeGap(await run('datainf-matrix', train, val), await run('datainf', train, val));
    expect(gap).toBeLessThanOrEqual(bound(25 * 7, 71));
  });
  test('with one sample all three coincide', async () => {
    const one = random(10, 1, 1, 7);
    const exact = await run('exact', one, val);
    for (const method of ['hyperinf', 'datainf', 'datainf-matrix'] as const) {
      expect(relativeGap(await run(method, one, val), exact)).toBeLessThanOrEqual(bound(7, 71));
    }
  });
});

test('O7: every Hadamard sign and cyclic shift of the columns makes FIM = I (x) GFIM / r', async () => {
  const [r, d] = [4, 6];
  const base = noise(12, r * d);
  const sign = (row: number, column: number) => (popcount(row & column) % 2 === 0 ? 1 : -1);
  const rows = new Float64Array(r * r * r * d);
  for (let h = 0; h < r; ++h) {
    for (let shift = 0; shift < r; ++shift) {
      for (let a = 0; a < r; ++a) {
        const from = (a + shift) % r;
        for (let b = 0; b < d; ++b)
          rows[((h * r + shift) * r + a) * d + b] = sign(h, a) * (base[from * d + b] as number);
      }
    }
  }
  const train = layer({ shape: [r * r, r, d], rows });
  const val = random(13, 3, r, d);
  const damping = 0.03;
  const exact = await run('exact', train, val, { damping });
  const hyperinf = await run('hyperinf', train, val, { damping: r * damping });
  expect(
    relativeGap(
      hyperinf.map((value) => r * value),
      exact,
    ),
  ).toBeLessThanOrEqual(bound(r * r * r * d, 100));
  const scaled = await run('hyperinf', train, val, { damping, fisherScale: '1/r' });
  expect(relativeGap(scaled, exact)).toBeLessThanOrEqual(bound(r * r * r * d, 100));
});

function popcount(bits: number): number {
  return bits === 0 ? 0 : (bits & 1) + popcount(bits >>> 1);
}

describe('O9: Woodbury, for fewer, as many and more rows than columns', () => {
  test.each([[2], [4], [9]])('%i samples of 2 x 8', async (samples) => {
    const [train, val] = [random(14, samples, 2, 8), random(15, 3, 2, 8)];
    const byRows = await run('hyperinf', train, val, { solver: 'woodbury' });
    expect(relativeGap(byRows, await run('hyperinf', train, val, { solver: 'cholesky' }))).toBeLessThanOrEqual(
      bound(samples * 16, 161),
    );
    const exact = await run('exact', train, val, { solver: 'woodbury' });
    expect(relativeGap(exact, await run('exact', train, val, { solver: 'cholesky' }))).toBeLessThanOrEqual(
      bound(samples * 16, 161),
    );
  });
});

test('O10: the self-influences of HyperINF sum to the effective dimension', async () => {
  // sum_i <g_i A^-1, g_i> / n = tr(G A^-1) = d - lambda tr(A^-1): with v = g_i, one query a sample.
  const train = random(16, 12, 2, 5);
  const damping = 0.2;
  const result = await influence({ train: await store(train), val: await store(train), queries: 'each', damping });
  const self = result.methods.hyperinf?.scores.map((list, i) => -(list[i] as number)) as number[];
  const trace = self.reduce((sum, value) => sum + value, 0) / 12;
  const unit = layer({ shape: [5, 1, 5], rows: Float64Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)) });
  const asRows = layer({ shape: [24, 1, 5], rows: (train['layer'] as Block).rows });
  // The rows as 24 samples of 1 x 5 have the same G but for the factor 2 of n, so 2 A^-1 comes with half the damping.
  const inverse = await influence({
    ...{ train: await store(unit), val: await store(unit), fitOn: await store(asRows) },
    ...{ queries: 'each', damping: damping / 2 },
  });
  const traceInverse = (inverse.methods.hyperinf?.scores as Float64Array[]).reduce(
    (sum, list, i) => sum - (list[i] as number) / 2,
    0,
  );
  expect(Math.abs(trace - (5 - damping * traceInverse))).toBeLessThanOrEqual(bound(24 * 5, 25) * 5);
  expect(trace).toBeLessThanOrEqual(5);
});

describe('O12: invariances', () => {
  const [train, val] = [random(17, 30, 3, 8), random(18, 4, 3, 8)];
  const change = (
    layers: Layers,
    at: (block: Block, i: number, a: number, b: number) => number,
    shape?: [number, number],
  ): Layers => {
    const block = layers['layer'] as Block;
    const [n, r, d] = [block.shape[0], ...(shape ?? [block.shape[1], block.shape[2]])];
    const rows = new Float64Array(n * r * d);
    for (let i = 0; i < n; ++i)
      for (let a = 0; a < r; ++a) for (let b = 0; b < d; ++b) rows[(i * r + a) * d + b] = at(block, i, a, b);
    return layer({ shape: [n, r, d], rows });
  };
  const entry = ({ shape, rows }: Block, i: number, a: number, b: number) =>
    rows[(i * shape[1] + a) * shape[2] + b] as number;
  // A Givens rotation by 3-4-5 in the first two coordinates: orthogonal, with exact entries.
  const turned = (x: number, y: number, which: number) => (which === 0 ? 0.6 * x + 0.8 * y : -0.8 * x + 0.6 * y);

  test.each<[MethodName, boolean]>([
    ['hyperinf', true],
    ['datainf', true],
    ['exact', true],
    ['tracin', true],
  ])('%s: an orthogonal change of the kept and of the summed side', async (method, holds) => {
    const before = await run(method, train, val);
    const kept = (block: Block, i: number, a: number, b: number) =>
      b < 2 ? turned(entry(block, i, a, 0), entry(block, i, a, 1), b) : entry(block, i, a, b);
    const summed = (block: Block, i: number, a: number, b: number) =>
      a < 2 ? turned(entry(block, i, 0, b), entry(block, i, 1, b), a) : entry(block, i, a, b);
    for (const turn of [kept, summed]) {
      const after = await run(method, change(train, turn), change(val, turn));
      expect(relativeGap(after, before) <= bound(30 * 24, 241)).toBe(holds);
    }
  });

  test('transposing everything and swapping the side', async () => {
    const transpose = (block: Block, i: number, a: number, b: number) => entry(block, i, b, a);
    for (const method of ['hyperinf', 'datainf-matrix', 'lissa-gfim'] as const) {
      const lissa = { stepSize: 0.05, steps: 20, tolerance: 0 };
      const options = method === 'lissa-gfim' ? { lissa } : {};
      const columns = await run(method, train, val, options);
      const rows = await run(method, change(train, transpose, [8, 3]), change(val, transpose, [8, 3]), {
        side: 'rows',
        ...options,
      });
      expect(relativeGap(rows, columns)).toBeLessThanOrEqual(bound(30 * 24, 241));
      expect(relativeGap(await run(method, train, val, { side: 'rows', ...options }), columns)).toBeGreaterThan(0.01);
    }
  });

  test('a column of zeros changes nothing but lambda, which divides by d r', async () => {
    const wider = (block: Block, i: number, a: number, b: number) => (b < 8 ? entry(block, i, a, b) : 0);
    const damping = 0.04;
    const [before, after] = [
      await run('hyperinf', train, val, { damping }),
      await run('hyperinf', change(train, wider, [3, 9]), change(val, wider, [3, 9]), { damping }),
    ];
    expect(relativeGap(after, before)).toBeLessThanOrEqual(bound(30 * 27, 241));
    const ratio = { dampingRatio: 0.1 * (9 / 8) };
    const rescaled = await run('hyperinf', change(train, wider, [3, 9]), change(val, wider, [3, 9]), ratio);
    expect(relativeGap(rescaled, await run('hyperinf', train, val))).toBeLessThanOrEqual(bound(30 * 27, 241));
  });
});

test('O13: the 0.001 of the mislabel preset breaks the invariance to scale', async () => {
  const [train, val] = [random(19, 30, 2, 6), random(20, 4, 2, 6)];
  const small = (layers: Layers) => {
    const { shape, rows } = layers['layer'] as Block;
    return layer({ shape, rows: rows.map((value) => 0.01 * value) });
  };
  const [before, after] = [
    await run('hyperinf', train, val, { preset: 'mislabel' }),
    await run('hyperinf', small(train), small(val), { preset: 'mislabel' }),
  ];
  expect(relativeGap(after, before)).toBeGreaterThan(0.5);
});

test('O14: lambda x score tends to TracIn as lambda grows', async () => {
  const [train, val] = [random(21, 30, 2, 6), random(22, 4, 2, 6)];
  const tracin = await run('tracin', train, val);
  const damping = 1e9;
  for (const method of ['hyperinf', 'datainf', 'datainf-matrix', 'exact', 'lissa', 'lissa-gfim'] as const) {
    const scores = await run(method, train, val, { damping });
    // A = lambda (I + G / lambda), and ||G|| <= trace(G) <= 12 here.
    const tolerance = method.startsWith('lissa') ? 0.02 : 12 / damping + bound(30 * 12, 1);
    expect(
      relativeGap(
        scores.map((value) => damping * value),
        tracin,
      ),
    ).toBeLessThanOrEqual(tolerance);
  }
});

test('O15: ten steps of the authors LiSSA are the sum of (I - F + lambda I)^j v', async () => {
  const [r, d, n] = [1, 3, 6];
  const [train, val] = [random(23, n, r, d), random(24, 1, r, d)];
  const damping = 0.05;
  const scores = await run('lissa', train, val, { damping, lissa: { compat: 'datainf' } });
  const g = (train['layer'] as Block).rows;
  const v = Array.from((val['layer'] as Block).rows);
  let [power, sum] = [v, v];
  for (let step = 1; step <= 10; ++step) {
    const before = power;
    power = before.map((value, j) => {
      let product = 0;
      for (let i = 0; i < n; ++i) {
        const dot = before.reduce((total, x, k) => total + x * (g[i * d + k] as number), 0);
        product += ((g[i * d + j] as number) * dot) / n;
      }
      return value - product + damping * value;
    });
    sum = sum.map((value, j) => value + (power[j] as number));
  }
  const expected = Array.from(
    { length: n },
    (_, i) => -sum.reduce((total, x, k) => total + x * (g[i * d + k] as number), 0),
  );
  expect(relativeGap(scores, expected)).toBeLessThanOrEqual(bound(11 * n * d, 4));
});

test('scores do not depend on whether gradients come as one layer or as blocks of it that are summed', async () => {
  const [train, val] = [random(29, 20, 2, 6), random(30, 3, 2, 6)];
  const both = { first: train['layer'] as Block, second: noisyBlock(31, 20, 1, 4) };
  const bothVal = { first: val['layer'] as Block, second: noisyBlock(32, 3, 1, 4) };
  const sum = await run('hyperinf', both, bothVal);
  const parts = [
    await run('hyperinf', { first: both.first }, { first: bothVal.first }),
    await run('hyperinf', { second: both.second }, { second: bothVal.second }),
  ];
  expect(sum).toEqual(parts[0]?.map((value, i) => value + (parts[1]?.[i] as number)));
});
