// Cholesky on damped Fisher matrices: factor, solve for 16 right-hand sides, residual in float64.
import { choleskySolve } from 'gradsift';
import { damped32, fisher } from './fisher.mjs';
import { blasRows } from './peers/blas.mjs';
import { medianSeconds } from './timer.mjs';

export default {
  op: 'choleskySolve',
  async run({ threads, peers, chosen }) {
    const rows = [];
    for (const n of [64, 128, 256, 512, 1024, 2048]) {
      const system = fisher({ n, samples: 200, rhs: 16 });
      const { g, v, rhs } = system;
      const [a32, v32] = [damped32(system, 0.01), Float32Array.from(v)];
      for (const count of threads) {
        const options = { n, rhs, threads: count };
        let flops = 0;
        const { f64, f32, mixed } = await medianSeconds({
          f64: () => ({ flops } = choleskySolve(g, v, { ...options, damping: 0.01 })),
          mixed: () => choleskySolve(g, v, { ...options, damping: 0.01, precision: 'mixed' }),
          f32: () => choleskySolve(a32, v32, { ...options, tolerance: 1e-3 }),
        });
        rows.push({ case: `f64 n = ${n}`, threads: count, unit: 'ms', value: f64 * 1e3 });
        rows.push({ case: `f64 n = ${n}`, threads: count, unit: 'GFLOP/s', value: flops / f64 / 1e9 });
        rows.push({ case: `mixed n = ${n}`, threads: count, unit: 'ms', value: mixed * 1e3 });
        rows.push({ case: `f32 n = ${n}`, threads: count, unit: 'ms', value: f32 * 1e3 });
      }
    }
    return peers ? [...rows, ...blasRows('cholesky-solve', { threads, ...chosen })] : rows;
  },
};
