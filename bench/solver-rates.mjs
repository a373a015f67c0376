// Rates of the kinds of work that lib/linalg/solver-choice.ts compares solvers by, relative to a large float64 product.
import { choleskySolve, matmul, rowGram, symmetricProduct } from 'gradsift';
import { fisher } from './fisher.mjs';
import { medianSeconds } from './timer.mjs';

export default {
  op: 'solverRates',
  async run({ threads }) {
    const rows = [];
    for (const n of [128, 256, 512, 1024]) {
      const { g, v, rhs } = fisher({ n, samples: 200, rhs: 16 });
      const square = new Float64Array(n * n);
      const block = new Float64Array(rhs * n);
      const count = threads[0];
      const factor = (times) =>
        choleskySolve(g, v.subarray(0, times * n), { n, rhs: times, damping: 0.01, threads: count });
      const seconds = await medianSeconds({
        product: () => matmul(g, g, { m: n, k: n, n, out: square, threads: count }),
        symmetric: () => symmetricProduct(g, g, { n, out: square, threads: count }),
        gram: () => rowGram(g, { count: n, length: n, out: square, threads: count }),
        skinny: () => matmul(v, g, { m: rhs, k: n, n, out: block, threads: count }),
        factor: () => factor(1),
      });
      const flops = {
        product: 2 * n ** 3,
        symmetric: n ** 3,
        gram: n ** 3,
        skinny: 2 * n * n * rhs,
        factor: n ** 3 / 3,
      };
      const peers = { product: flops.product / seconds.product / 1e9 };
      for (const kind of ['symmetric', 'gram', 'skinny', 'factor']) {
        const value = flops[kind] / seconds[kind] / 1e9;
        rows.push({ case: `${kind} n = ${n}`, threads: count, unit: 'GFLOP/s', value, peers });
      }
    }
    return rows;
  },
};
