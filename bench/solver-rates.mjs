// Rates of the kinds of work that lib/linalg/solver-choice.ts adds up, on one thread. Prints them as rows, and as the
// table that lib/linalg/solver-rates.ts holds.
import { cgSolve, choleskySolve, gfim, matmul, symmetricProduct, woodburySolve } from 'gradsift';
import { normals } from './fisher.mjs';
import { medianSeconds } from './timer.mjs';

const SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048];
// Up to 8 a pass over the matrix is bound by memory: the rate grows with the count, then stays.
const COUNTS = [1, 4, 8, 16, 128];
const CG_STEPS = 10;

/** Work on a matrix alone: { kind: [flops, run] }. */
function squareWork(n, g, threads) {
  const out = new Float64Array(n * n);
  const sums = new Float64Array(n * n);
  return {
    product: [n ** 3, () => symmetricProduct(g, g, { n, out, threads })],
    gram: [n ** 3, () => gfim(g, { samples: n, r: 1, d: n, accumulate: true, out: sums, threads })],
  };
}

/** Work on a matrix and `rhs` right-hand sides. */
function blockWork(n, rhs, g, v, threads) {
  const out = new Float64Array(rhs * n);
  const block = 2 * n * n * rhs;
  return {
    cholesky: [n ** 3 / 3 + 2 * block, () => choleskySolve(g, v, { n, rhs, damping: 1, tolerance: 1, threads })],
    cgStep: [CG_STEPS * block, () => cgSolve(g, v, { n, rhs, damping: 1, tolerance: 0, steps: CG_STEPS, threads })],
    block: [block, () => matmul(v, g, { m: rhs, k: n, n, out, threads })],
    woodbury: [
      n ** 3 + n ** 3 / 3 + 5 * block,
      () => woodburySolve(g, v, { count: n, n, rhs, damping: 1, tolerance: 1, threads }),
    ],
  };
}

async function ratesOf(work) {
  const candidates = Object.fromEntries(Object.entries(work).map(([kind, [, run]]) => [kind, run]));
  const seconds = await medianSeconds(candidates, { seconds: 0.15, minimum: 3 });
  return Object.fromEntries(Object.entries(work).map(([kind, [flops]]) => [kind, flops / seconds[kind] / 1e9]));
}

export default {
  op: 'solverRates',
  async run({ threads }) {
    const rows = [];
    const table = {};
    for (const [i, n] of SIZES.entries()) {
      const x = normals(7, n * n);
      const g = gfim(x, { samples: n, r: 1, d: n });
      const add = (rates, j, rhs) => {
        for (const [kind, value] of Object.entries(rates)) {
          ((table[kind] ??= [])[i] ??= [])[j] = Number(value.toPrecision(3));
          const described = `${kind} n = ${n}${rhs === undefined ? '' : `, right-hand sides ${rhs}`}`;
          rows.push({ case: described, threads: threads[0], unit: 'GFLOP/s', value, peers: {} });
        }
      };
      add(await ratesOf(squareWork(n, g, threads[0])), 0);
      for (const [j, rhs] of COUNTS.entries()) {
        add(await ratesOf(blockWork(n, rhs, g, normals(8, rhs * n), threads[0])), j, rhs);
      }
    }
    for (const [kind, rates] of Object.entries(table)) console.log(`  ${kind}: ${JSON.stringify(rates)},`);
    return rows;
  },
};
