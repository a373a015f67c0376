// Eigenvalues and eigenvectors of one matrix, and of many small ones.
import { eigh } from 'gradsift';
import { fisher } from './fisher.mjs';
import { blasRows } from './peers/blas.mjs';
import { medianSeconds } from './timer.mjs';

export default {
  op: 'eigh',
  async run({ threads, peers, chosen }) {
    const rows = [];
    for (const [n, batch] of [
      [16, 1000],
      [64, 100],
      [512, 1],
      [1024, 1],
    ]) {
      const { g } = fisher({ n, samples: n, rhs: 1 });
      const a = new Float64Array(batch * n * n);
      for (let b = 0; b < batch; ++b) a.set(g, b * n * n);
      const out = { values: new Float64Array(batch * n), vectors: new Float64Array(batch * n * n) };
      for (const count of threads) {
        const { ours } = await medianSeconds({ ours: () => eigh(a, { n, batch, out, threads: count }) });
        rows.push({ case: `n = ${n}, batch ${batch}`, threads: count, unit: 'ms', value: ours * 1e3 });
      }
    }
    return peers ? [...rows, ...blasRows('eigh', { threads, ...chosen })] : rows;
  },
};
