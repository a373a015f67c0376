// The inverse-free hyperpower solve against the published iteration on our own products, with Cholesky, conjugate
// gradients and Woodbury beside it. Lanczos, factors, refinement and the float64 residual are all inside our time; of
// the textbook, the time of a run of no steps (its bounds and its residual) is taken off, which favours it.
import {
  cgSolve,
  choleskySolve,
  hyperpowerInverse,
  hyperpowerSolve,
  matmul,
  solveResidual,
  woodburySolve,
} from 'gradsift';
import { blasRows } from './peers/blas.mjs';
import { damped32, digitsLayers, fisher } from './fisher.mjs';
import { medianSeconds } from './timer.mjs';

const TOLERANCE = 1e-6;
// alpha of the authors' code, and the safe one, each with the steps that bring the scalar iteration below 1e-6.
const STEPS = { fixed: 25, safe: 16 };

/** H = V X with X by textbook steps in float32, and the residual of H in float64. */
function textbook(system, a, damping, alpha, steps, threads) {
  const { n, rhs, g } = system;
  const { inverse } = hyperpowerInverse(a, { n, method: 'textbook', alpha, steps, threads });
  const h = matmul(Float32Array.from(system.v), inverse, { m: rhs, k: n, n, threads });
  return { residual: () => solveResidual(g, system.v, Float64Array.from(h), { n, rhs, damping, threads }) };
}

function norm(a) {
  return Math.sqrt(a.reduce((sum, x) => sum + x * x, 0));
}

async function compare(label, systems, steps, threads) {
  const runs = (solve) => () => systems.map(solve);
  const prepared = systems.map((system) => ({ system, a: damped32(system, system.damping) }));
  for (const one of prepared) one.safe = 1 / norm(one.a);
  const common = ({ n, rhs, damping }) => ({ n, rhs, damping, tolerance: TOLERANCE, threads });
  const schulz = (alphaOf, count) =>
    runs((system, i) => {
      const { a } = prepared[i];
      return textbook(system, a, system.damping, alphaOf(prepared[i]), count, threads);
    });
  const candidates = {
    hyperpower: runs((one) => hyperpowerSolve(one.g, one.v, { ...common(one), precision: 'mixed' })),
    [`textbook 5e-5, ${steps.fixed} steps`]: schulz(() => 5e-5, steps.fixed),
    [`textbook 1/|A|, ${steps.safe} steps`]: schulz(({ safe }) => safe, steps.safe),
    nothing: schulz(() => 5e-5, 0),
    'hyperpower f64': runs((one) => hyperpowerSolve(one.g, one.v, common(one))),
    cholesky: runs((one) => choleskySolve(one.g, one.v, common(one))),
    cg: runs((one) => cgSolve(one.g, one.v, common(one))),
  };
  if (systems[0].rows !== undefined) {
    candidates.woodbury = runs((one) =>
      woodburySolve(one.rows, one.v, { ...common(one), count: one.count, scale: one.scale }),
    );
  }
  const seconds = await medianSeconds(candidates, { seconds: 4 });
  const residual = (name) =>
    Math.max(...candidates[name]().map((one) => (typeof one.residual === 'function' ? one.residual() : one.residual)));
  const { nothing, ...timed } = seconds;
  for (const name of Object.keys(timed)) if (name.startsWith('textbook')) timed[name] -= nothing;
  const { hyperpower, ...peers } = timed;
  const row = (name, value, others = {}) => ({
    ...{ case: `${label}: ${name}, residual ${residual(name).toExponential(1)}`, threads, unit: 's', value },
    peers: others,
  });
  return [row('hyperpower', hyperpower, peers), ...Object.entries(peers).map(([name, value]) => row(name, value))];
}

export default {
  op: 'hyperpowerSolve',
  async run({ threads, peers, chosen }) {
    const rows = peers ? blasRows('hyperpower-solve', { threads, ...chosen }, 'hyperpower') : [];
    const digits = await digitsLayers();
    for (const count of threads) {
      for (const n of [512, 1024]) {
        const system = { ...fisher({ n, samples: 200, rhs: 16 }), damping: 0.01 };
        rows.push(...(await compare(`d = ${n}`, [system], STEPS, count)));
      }
      // The authors' 30 steps; from 1/|A|, as many as bring the worst of these layers to its float32 floor.
      rows.push(...(await compare('digits-lora, 6 layers', digits, { fixed: 30, safe: 25 }, count)));
    }
    return rows;
  },
};
