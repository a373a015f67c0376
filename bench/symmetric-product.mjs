import { fmaPeak, symmetricProduct } from 'gradsift';
import { blasRows } from './peers/blas.mjs';
import { medianSeconds } from './timer.mjs';

export default {
  op: 'symmetricProduct',
  async run({ threads, peers, chosen }) {
    const rows = [];
    for (const [dtype, Values] of Object.entries({ f32: Float32Array, f64: Float64Array })) {
      for (const count of threads) {
        const peak = fmaPeak({ dtype, threads: count }) / 1e9;
        for (const n of [128, 512, 1024]) {
          const a = new Values(n * n).fill(0.5);
          const out = new Values(n * n);
          const repeats = Math.max(1, Math.round(1e8 / n ** 3)); // a timed round is long against the clock
          const run = () => {
            for (let i = 0; i < repeats; ++i) symmetricProduct(a, a, { n, out, threads: count });
          };
          const { ours } = await medianSeconds({ ours: run });
          // Flops of one triangle: the share of the peak is of the work that has to be done.
          const value = (n * n * (n + 1) * repeats) / ours / 1e9;
          rows.push({ case: `${dtype} n = ${n}`, threads: count, unit: 'GFLOP/s', value, peak });
        }
      }
    }
    return peers ? [...rows, ...blasRows('symmetric-product', { threads, ...chosen })] : rows;
  },
};
