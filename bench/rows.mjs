// Single passes over rows: the unit is the memory they read, of the peak that a plain streaming read of the same rows
// shows at the same number of threads, in the same rounds.
import { addWeightedRows, readPeak, rowDots, rowNorms } from 'gradsift';
import { medianSeconds } from './timer.mjs';

// The scoring of 20 000 samples of a layer of 32 x 1024, and short rows.
const SHAPES = [
  { count: 20_000, length: 32_768, queries: [1, 16], rounds: 7 },
  { count: 200_000, length: 64, queries: [1, 16], rounds: 15 },
];

function candidates(rows, { count, length, threads }, many) {
  const run = { read: () => readPeak(rows, { threads }) };
  const norms = new Float64Array(count);
  const shape = { count, length, threads };
  run.rowNorms = () => rowNorms(rows, { ...shape, out: norms });
  for (const queries of many) {
    const h = new Float64Array(queries * length).fill(0.5);
    const weights = new Float64Array(queries * count).fill(0.5);
    const [dots, sums] = [queries * count, queries * length].map((size) => new Float64Array(size));
    run[`rowDots, queries ${queries}`] = () => rowDots(rows, h, { ...shape, queries, out: dots });
    run[`rowDots and norms, queries ${queries}`] = () => rowDots(rows, h, { ...shape, queries, out: dots, norms });
    run[`addWeightedRows, queries ${queries}`] = () => addWeightedRows(rows, weights, { ...shape, queries, out: sums });
  }
  return run;
}

export default {
  op: 'rows',
  async run({ threads }) {
    const results = [];
    for (const { count, length, queries, rounds } of SHAPES) {
      const rows = new Float32Array(count * length);
      for (let i = 0; i < rows.length; ++i) rows[i] = i % 7;
      for (const used of threads) {
        const timed = candidates(rows, { count, length, threads: used }, queries);
        const { read, ...seconds } = await medianSeconds(timed, { seconds: 0.5, minimum: rounds });
        const rate = (time) => rows.byteLength / time / 1e9;
        for (const [name, time] of Object.entries(seconds)) {
          const described = `${name}, ${count} x ${length} f32`;
          results.push({
            case: described,
            threads: used,
            unit: 'GB/s',
            value: rate(time),
            peak: rate(read),
            peers: {},
          });
        }
      }
    }
    return results;
  },
};
