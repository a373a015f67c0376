// Influence against models that are solved in the test: leaving one out of a linear regression, flipped labels of a
// logistic one.
import { rocAuc } from '../../lib/influence/detection.js';
import { influence } from '../../lib/influence/influence.js';
import type { InfluenceOptions, MethodName } from '../../lib/influence/options.js';
import { noise, store, type Block } from './fixtures.js';

/** Sums of `terms` products, through a matrix of condition `condition`, in both sides of a comparison. */
const bound = (terms: number, condition: number) => 4 * terms * condition * 2 ** -53;

type Layers = Readonly<Record<string, Block>>;
const layer = (block: Block): Layers => ({ layer: block });

async function run(method: MethodName, train: Layers, val: Layers, options: Partial<InfluenceOptions> = {}) {
  const result = await influence({ train: await store(train), val: await store(val), methods: [method], ...options });
  return result.methods[method]?.scores[0] as Float64Array;
}

test('O18: on linear regression the exact influence is the first-order part of leaving one out', async () => {
  // Squared loss (1/2n) sum (x b - y)^2 at its minimum: gradient of sample i = x_i e_i. With the Hessian X'X / n as the
  // curvature, the influence on the loss of a query is that of the hat matrix: <x_q, (X'X/n)^-1 x_i> e_i e_q.
  const [n, d] = [20, 3];
  const x = noise(25, n * d);
  const y = noise(26, n);
  const b = leastSquares(x, y, n, d);
  const residual = (row: Float64Array, target: number) =>
    row.reduce((sum, value, j) => sum + value * (b[j] as number), 0) - target;
  const gradients = new Float64Array(n * d);
  for (let i = 0; i < n; ++i) {
    const row = x.subarray(i * d, (i + 1) * d);
    const e = residual(row, y[i] as number);
    for (let j = 0; j < d; ++j) gradients[i * d + j] = e * (row[j] as number);
  }
  const queryRow = noise(27, d);
  const e = residual(queryRow, 0.3);
  const query = queryRow.map((value) => e * value);
  const fitOn = await store(layer({ shape: [n, 1, d], rows: x }));
  const scores = await run(
    'exact',
    layer({ shape: [n, 1, d], rows: gradients }),
    layer({ shape: [1, 1, d], rows: query }),
    { damping: 0, fitOn },
  );
  for (let i = 0; i < n; ++i) {
    const row = x.subarray(i * d, (i + 1) * d);
    const unit = solveNormal(x, n, d, row);
    const hat = row.reduce((sum, value, j) => sum + value * (unit[j] as number), 0);
    const ei = residual(row, y[i] as number);
    // Without sample i, b moves by (X'X)^-1 x_i e_i / (1 - h_ii); the loss of the query changes by e_q <x_q, that>
    // to first order.
    const moved = (queryRow.reduce((sum, value, j) => sum + value * (unit[j] as number), 0) * ei) / (1 - hat);
    const firstOrder = e * moved * (1 - hat);
    expect(Math.abs(-(scores[i] as number) / n - firstOrder)).toBeLessThanOrEqual(
      bound(n * d, 100) * Math.abs(firstOrder) + 1e-15,
    );
  }
});

function leastSquares(x: Float64Array, y: Float64Array, n: number, d: number): Float64Array {
  const right = new Float64Array(d);
  for (let i = 0; i < n; ++i) for (let j = 0; j < d; ++j) right[j]! += (x[i * d + j] as number) * (y[i] as number);
  return solveNormal(x, n, d, right);
}

/** (X'X)^-1 right, by elimination. */
function solveNormal(x: Float64Array, n: number, d: number, right: Float64Array): Float64Array {
  const a = Array.from({ length: d }, (_, j) => {
    const row = Array.from({ length: d }, (_unused, k) => {
      let sum = 0;
      for (let i = 0; i < n; ++i) sum += (x[i * d + j] as number) * (x[i * d + k] as number);
      return sum;
    });
    return [...row, right[j] as number];
  });
  for (let p = 0; p < d; ++p) {
    for (let q = 0; q < d; ++q) {
      if (q === p) continue;
      const factor = (a[q]?.[p] as number) / (a[p]?.[p] as number);
      a[q] = (a[q] as number[]).map((value, k) => value - factor * (a[p]?.[k] as number));
    }
  }
  return Float64Array.from(a, (row, p) => (row[d] as number) / (row[p] as number));
}

test('O19: on two blobs with 20 % of the labels flipped every method is far above chance', async () => {
  const n = 200;
  const points = noise(28, 2 * n);
  const x = Float64Array.from({ length: 3 * n }, (_, k) => {
    const i = Math.floor(k / 3);
    const shift = i % 2 === 0 ? 0.6 : -0.6;
    return k % 3 === 2 ? 1 : (points[2 * i + (k % 3)] as number) + shift;
  });
  const flipped = Array.from({ length: n }, (_, i) => i % 5 === 0);
  const label = (i: number) => ((i % 2 === 0) !== flipped[i] ? 1 : 0);
  const b = newton(
    x,
    Array.from({ length: n }, (_, i) => label(i)),
    n,
  );
  const gradient = (i: number, target: number) => {
    const row = x.subarray(3 * i, 3 * i + 3);
    const p = 1 / (1 + Math.exp(-row.reduce((sum, value, j) => sum + value * (b[j] as number), 0)));
    return Array.from(row, (value) => (p - target) * value);
  };
  const all = (target: (i: number) => number) => {
    const rows = Float64Array.from(Array.from({ length: n }, (_, i) => gradient(i, target(i))).flat());
    return layer({ shape: [n, 1, 3], rows });
  };
  const train = all(label);
  const val = all((i) => (i % 2 === 0 ? 1 : 0));
  for (const method of ['hyperinf', 'exact', 'tracin', 'datainf'] as const) {
    expect(rocAuc(await run(method, train, val), flipped)).toBeGreaterThan(0.87);
  }
});

/** Logistic regression with a small ridge, by Newton's method. */
function newton(x: Float64Array, labels: readonly number[], n: number): Float64Array {
  let b = new Float64Array(3);
  for (let step = 0; step < 20; ++step) {
    const right = b.map((value) => -1e-3 * value);
    const weighted = new Float64Array(3 * n);
    for (let i = 0; i < n; ++i) {
      const row = x.subarray(3 * i, 3 * i + 3);
      const p = 1 / (1 + Math.exp(-row.reduce((sum, value, j) => sum + value * (b[j] as number), 0)));
      for (let j = 0; j < 3; ++j) {
        right[j]! -= (p - (labels[i] as number)) * (row[j] as number);
        weighted[3 * i + j] = Math.sqrt(p * (1 - p)) * (row[j] as number);
      }
    }
    const move = solveNormal(weighted, n, 3, right);
    b = b.map((value, j) => value + (move[j] as number));
  }
  return b;
}
