// The scaled inverse of orders 2 and 3 against the textbook one, both until the same residual, in float64 and float32.
import { hyperpowerInverse } from 'gradsift';
import { damped32, fisher } from './fisher.mjs';
import { medianSeconds } from './timer.mjs';

export default {
  op: 'hyperpowerInverse',
  async run({ threads }) {
    const rows = [];
    for (const n of [128, 512, 1024]) {
      const system = fisher({ n, samples: 200, rhs: 1 });
      const a32 = damped32(system, 0.01);
      const matrices = { f64: { a: Float64Array.from(a32), tolerance: 1e-8 }, f32: { a: a32, tolerance: 3e-4 } };
      for (const count of threads) {
        for (const [dtype, { a, tolerance }] of Object.entries(matrices)) {
          const run = (options) => hyperpowerInverse(a, { n, tolerance, threads: count, ...options });
          const scaled = { lambdaMin: 0.01 };
          const textbook = { method: 'textbook' };
          const cubic = { ...scaled, order: 3 };
          const { ours, three, peer } = await medianSeconds({
            ours: () => run(scaled),
            three: () => run(cubic),
            peer: () => run(textbook),
          });
          const [us, third, them] = [run(scaled), run(cubic), run(textbook)];
          const told = ({ steps, residual }) => `${steps} steps, ${residual.toExponential(1)}`;
          rows.push({
            ...{ case: `${dtype} n = ${n} (${told(us)})`, threads: count, unit: 's', value: ours },
            peers: { [`order 3 (${told(third)})`]: three, [`textbook 1/|A| (${told(them)})`]: peer },
          });
        }
      }
    }
    return rows;
  },
};
