// The damped empirical Fisher of a layer, inverted exactly ("accurate" in the authors' code; Koh and Liang 2017 with
// the empirical Fisher for the Hessian). The same machinery as hyperinf with every gradient flattened to one row of D =
// r d.
//
//   F = (1/n) sum_i vec(g_i) vec(g_i)'  (D x D),      h = (F + lambda I)^-1 v,      score(i) = - <h, g_i>
//   dense (nD^2 + D^3/3), or by Woodbury on the n rows (n^2 D + n^3/3)
import type { RowBlock } from '../gradients/store.js';
import { WAIT_FOR_FIT, zeroLayer, type Estimator } from './estimator.js';
import { isUsable, solvedOutcome } from './hyperinf.js';
import type { Config } from './options.js';
import { solveCandidates, solveDense, type DenseSolver, type Solved } from './solve.js';
import { solveByRows } from './woodbury.js';

/** The exact method is exact: under a preset, whose iteration belongs to hyperinf, it solves as by default. */
function exactConfig(config: Config): Config {
  return config.preset === null ? config : { ...config, solve: { ...config.solve, solver: 'auto', extraDamping: 0 } };
}

export const exact: Estimator = {
  name: 'exact',
  candidates(shape, config) {
    const { samples, fitSamples, r, d, queries } = shape;
    const length = r * d;
    const sizes = {
      n: length,
      summed: 1,
      rhs: queries,
      rows: fitSamples,
      form: 'fisher',
      shares: 'fisher' as const,
      densePasses: 2,
      loaded: false,
      scoreFlops: 2 * samples * length * queries,
    };
    return solveCandidates(sizes, exactConfig(config), true);
  },
  async *run(task, candidate, score) {
    const { ops, v, shape, length, fitSamples } = task;
    const config = exactConfig(task.config);
    let solved: Solved;
    if (candidate.solver === 'woodbury') {
      yield WAIT_FOR_FIT;
      const damping = task.damping() ?? 0;
      const { sumSquares = 0 } = task.statistics() ?? {};
      if (damping === 0 && sumSquares === 0) return zeroLayer(candidate);
      const found: { solved?: Solved } = {};
      const visit = async ({ rows, samples: count }: RowBlock) => {
        const [scale, trace] = [1 / fitSamples, sumSquares / fitSamples];
        const system = { rows, count, length, scale, damping, trace, tolerance: config.solve.tolerance };
        found.solved = await solveByRows(ops, system, v, shape.queries);
      };
      yield { over: 'fit', visit };
      solved = found.solved as Solved;
    } else {
      const { matrix, sumSquares } = yield* task.curvature('fisher');
      const damping = task.damping() ?? 0;
      if (damping === 0 && sumSquares === 0) return zeroLayer(candidate);
      const a = { matrix, n: length, damping };
      solved = await solveDense(ops, a, v, shape.queries, candidate.solver as DenseSolver, config.solve);
    }
    if (isUsable(solved)) yield score(solved.solution);
    return solvedOutcome(candidate, solved, task.damping() ?? 0, config);
  },
};
