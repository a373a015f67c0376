// What solver 'auto' chooses beside every solver measured, on a grid of (samples n, r, d, right-hand sides m): with the
// matrix at hand, and from the rows on, where forming the matrix counts for those that need it. The value is the
// seconds of the choice, the peers are the solvers; test/linalg/solver-choice.test.ts reads `asked`, `gram`, `steps`.
import { cgSolve, choleskySolve, gfim, hyperpowerSolve, solveDamped, woodburySolve } from 'gradsift';
import { normals } from './fisher.mjs';
import { medianSeconds } from './timer.mjs';

/** lambda = ratio x the mean eigenvalue: 0.1 is the default of influence(). */
const grid = (ratio, samples, ms, rs = [1, 16], ds = [64, 256, 1024]) =>
  samples.flatMap((n) => rs.flatMap((r) => ds.flatMap((d) => ms.map((m) => ({ samples: n, r, d, m, ratio })))));
const GRID = [
  ...grid(0.1, [50, 400, 2000], [1, 16, 128]),
  ...grid(10, [2000], [1, 16]),
  ...grid(1000, [2000], [1]),
  // Between the sizes of solver-rates.ts: what the model says of sizes that nobody measured.
  ...grid(0.1, [35, 130], [4, 50], [3], [96, 400, 750]),
  ...grid(30, [35, 900], [4, 50], [3], [96, 400, 750]),
];
/** On the calling thread, as influence() makes short calls; the textbook iteration exists on the pool only. */
const SOLVERS = {
  cholesky: ({ g, v, ...options }) => choleskySolve(g, v, options),
  woodbury: ({ v, rows, ...options }) => woodburySolve(rows.data, v, { ...rows, ...options }),
  cg: ({ g, v, ...options }) => cgSolve(g, v, options),
  hyperpower: ({ g, v, ...options }) => hyperpowerSolve(g, v, options),
  schulz: ({ g, v, ...options }) => solveDamped(g, v, { ...options, solver: 'schulz' }),
};
/** M M' of so many rows is 128 MiB; beyond it woodbury is out of the question. */
const MOST_ROWS = 4096;

/** Normal rows whose columns fall like j^-1/2: eigenvalues like 1/j, as those of gradients do, roughly. */
function problem({ samples, r, d, m, ratio }) {
  const count = samples * r;
  const base = normals(7, 65_536 + d);
  const rows = new Float64Array(count * d);
  let state = 1;
  for (let i = 0; i < count; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const shift = state % 65_536;
    for (let j = 0; j < d; ++j) rows[i * d + j] = base[(shift + j * 31) % 65_536] / Math.sqrt(j + 1);
  }
  const g = gfim(rows, { samples, r, d });
  let trace = 0;
  for (let i = 0; i < d; ++i) trace += g[i * (d + 1)];
  const v = normals(8, m * d);
  return { rows: { data: rows, count, scale: 1 / samples }, g, v, n: d, rhs: m, trace, damping: (ratio * trace) / d };
}

async function measure(sizes) {
  const { trace, ...given } = problem(sizes);
  const { g, v, n, rhs, rows, damping } = given;
  const { certificate } = await solveDamped(g, v, { n, rhs, rows, damping });
  const steps = {};
  const seconds = {};
  const run = (solver) => SOLVERS[solver]({ ...given, threads: 1 });
  for (const solver of Object.keys(SOLVERS)) {
    if (solver === 'woodbury' && rows.count > MOST_ROWS) continue;
    const started = performance.now();
    const result = await run(solver);
    seconds[solver] = (performance.now() - started) / 1e3;
    steps[solver] = (result.certificate ?? result).steps ?? result.certificates[0].steps;
  }
  // What is hopeless is not measured again: taking turns with it would leave the others cold caches.
  const least = Math.min(...Object.values(seconds));
  const close = Object.keys(seconds).filter((solver) => seconds[solver] < 10 * least && solver !== 'schulz');
  const candidates = Object.fromEntries(close.map((solver) => [solver, () => run(solver)]));
  Object.assign(seconds, await medianSeconds(candidates, { seconds: 0.1, minimum: 3 }));
  const { samples, r, d } = sizes;
  const out = new Float64Array(n * n);
  const form = () => gfim(rows.data, { samples, r, d, threads: 1, accumulate: true, out });
  const { gram } = await medianSeconds({ gram: form }, { seconds: 0.02, minimum: 3 });
  const asked = { n, rhs, damping, trace, rowCount: rows.count, tolerance: 1e-10 };
  return { chosen: certificate.solver, seconds, gram, steps, asked };
}

export default {
  op: 'solverAuto',
  async run() {
    const rows = [];
    for (const sizes of GRID) {
      const { chosen, seconds, ...model } = await measure(sizes);
      const best = Object.keys(seconds).reduce((a, b) => (seconds[a] <= seconds[b] ? a : b));
      const { samples, r, d, m, ratio } = sizes;
      const named = `n ${samples}, r ${r}, d ${d}, m ${m}, ratio ${ratio}`;
      const described = `${named}: ${chosen}${chosen === best ? '' : `, best ${best}`}`;
      rows.push({ case: described, threads: 1, unit: 's', value: seconds[chosen], peers: seconds, ...model });
    }
    return rows;
  },
};
