import { fmaPeak, matmul } from 'gradsift';
import { blasRows } from './peers/blas.mjs';
import { medianSeconds } from './timer.mjs';

const SIZES = [128, 256, 512, 1000, 1024, 1025, 2048];

export default {
  op: 'matmul',
  async run({ threads, peers, chosen }) {
    const rows = [];
    for (const [dtype, Values] of Object.entries({ f32: Float32Array, f64: Float64Array })) {
      if (!(chosen.types ?? [dtype]).includes(dtype)) continue;
      for (const count of threads) {
        const peak = fmaPeak({ dtype, threads: count }) / 1e9;
        for (const n of chosen.sizes ?? SIZES) {
          const [a, b, out] = [0.5, 0.25, 0].map((value) => new Values(n * n).fill(value));
          const repeats = Math.max(1, Math.round(1e8 / n ** 3)); // a timed round is long against the clock
          const { ours } = await medianSeconds({
            ours: () => {
              for (let i = 0; i < repeats; ++i) matmul(a, b, { m: n, k: n, n, out, threads: count });
            },
          });
          const value = (2 * n ** 3 * repeats) / ours / 1e9;
          rows.push({ case: `${dtype} n = ${n}`, threads: count, unit: 'GFLOP/s', value, peak });
        }
      }
    }
    return peers ? [...rows, ...blasRows('matmul', { threads, ...chosen })] : rows;
  },
};
