// Single passes over rows: the unit is the memory they read, and the peer a sum of squares in the same run, the least
// that one can do with every element.
import { addWeightedRows, rowDots, rowNorms } from 'gradsift';
import { medianSeconds } from './timer.mjs';

const SHAPES = [
  { count: 8000, length: 4096, queries: 1 },
  { count: 8000, length: 4096, queries: 8 },
  { count: 200_000, length: 64, queries: 1 },
];

export default {
  op: 'rows',
  async run({ threads }) {
    const results = [];
    for (const { count, length, queries } of SHAPES) {
      const rows = Float32Array.from({ length: count * length }, (_, i) => i % 7);
      const h = new Float64Array(queries * length).fill(0.5);
      const weights = new Float64Array(queries * count).fill(0.5);
      const [dots, sums, norms] = [queries * count, queries * length, count].map((size) => new Float64Array(size));
      for (const used of threads) {
        const shape = { count, length, threads: used };
        const seconds = await medianSeconds({
          rowDots: () => rowDots(rows, h, { ...shape, queries, out: dots }),
          addWeightedRows: () => addWeightedRows(rows, weights, { ...shape, queries, out: sums }),
          rowNorms: () => rowNorms(rows, { ...shape, out: norms }),
        });
        const rate = (name) => rows.byteLength / seconds[name] / 1e9;
        for (const name of Object.keys(seconds)) {
          const peers = name === 'rowNorms' ? {} : { rowNorms: rate('rowNorms') };
          const described = `${name}, ${count} x ${length} f32${name === 'rowNorms' ? '' : `, queries ${queries}`}`;
          results.push({ case: described, threads: used, unit: 'GB/s', value: rate(name), peers });
        }
      }
    }
    return results;
  },
};
