import { fmaPeak, gfim } from 'gradsift';
import { blasRows } from './peers/blas.mjs';
import { medianSeconds } from './timer.mjs';

const SHAPES = [
  { samples: 2000, r: 8, d: 64 },
  { samples: 2000, r: 8, d: 128 },
  { samples: 2000, r: 8, d: 512 },
  { samples: 500, r: 8, d: 2048 },
];

export default {
  op: 'gfim',
  async run({ threads, peers, chosen }) {
    const results = [];
    for (const { samples, r, d } of SHAPES) {
      const rows = Float32Array.from({ length: samples * r * d }, (_, i) => Math.sin(i));
      const out = new Float64Array(d * d);
      for (const gramPrecision of ['f32', 'f64']) {
        for (const count of threads) {
          const peak = fmaPeak({ dtype: gramPrecision, threads: count }) / 1e9;
          const { ours } = await medianSeconds({
            ours: () => gfim(rows, { samples, r, d, gramPrecision, out, threads: count }),
          });
          // Flops of one triangle.
          const value = (samples * r * d * (d + 1)) / ours / 1e9;
          results.push({
            case: `gram ${gramPrecision}, ${samples * r} x ${d}`,
            threads: count,
            unit: 'GFLOP/s',
            value,
            peak,
          });
        }
      }
    }
    return peers ? [...results, ...blasRows('gfim', { threads, ...chosen })] : results;
  },
};
