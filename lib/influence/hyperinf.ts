// HyperINF (Zhou, Fan, Jaggi 2024, arXiv 2410.05090, algorithm 2): influence by the generalised Fisher matrix and an
// inverse of it, converged and certified by default; the authors' textbook iteration under a preset or solver 'schulz'.
//
//   G = (1/n) sum_i g_i' g_i  (d x d),      A = G + lambda I,      h = v A^-1,      score(i) = - <h, g_i>_F
//   side 'rows':  G = (1/n) sum_i g_i g_i'  (r x r),      h = A^-1 v
import type { RowBlock } from '../gradients/store.js';
import { keptSize, type LayerCurvature } from './curvature.js';
import { outcome, WAIT_FOR_FIT, zeroLayer, type Candidate, type Estimator, type LayerTask } from './estimator.js';
import type { Operations } from './operations.js';
import type { Config, Side, SolverConfig } from './options.js';
import { solveCandidates, solveDense, type DenseSolver, type Solved } from './solve.js';
import { solveByRows } from './woodbury.js';

export const hyperinf: Estimator = {
  name: 'hyperinf',
  candidates(shape, config) {
    const { samples, fitSamples, r, d, queries, loaded } = shape;
    const { side } = config;
    const n = keptSize(side, r, d);
    const summed = side === 'columns' ? r : d;
    const sizes = {
      n,
      summed,
      rhs: queries * summed,
      rows: fitSamples * summed,
      form: 'gfim',
      shares: 'gfim' as const,
      densePasses: loaded ? 1 : 2,
      loaded,
      scoreFlops: 2 * samples * r * d * queries,
    };
    return solveCandidates(sizes, config, side === 'columns' && !loaded && !config.keepCurvature);
  },
  async *run(task, candidate, score) {
    const { config, ops, layer, v, shape } = task;
    const { solve, side } = config;
    let solved: Solved;
    if (candidate.solver === 'woodbury') {
      yield WAIT_FOR_FIT;
      const damping = dampingWith(task, solve);
      if (damping === 0 && task.statistics()?.sumSquares === 0) return zeroLayer(candidate);
      const found: { solved?: Solved } = {};
      const visit = async (block: RowBlock) => {
        found.solved = await solveByRows(ops, rowSystem(task, block, damping), v, shape.queries * layer.r);
      };
      yield { over: 'fit', visit };
      solved = found.solved as Solved;
    } else {
      const gfim = yield* task.curvature('gfim');
      const damping = dampingWith(task, solve);
      if (damping === 0 && gfim.sumSquares === 0) return zeroLayer(candidate);
      const sizes = { queries: shape.queries, side, solver: candidate.solver as DenseSolver };
      solved = await preconditionLayer(ops, gfim, damping, v, sizes, solve);
    }
    const usable = isUsable(solved);
    if (usable) yield score(solved.solution);
    return solvedOutcome(candidate, solved, dampingWith(task, solve), config);
  },
};

/** lambda and the preset's absolute term. */
function dampingWith(task: LayerTask, { extraDamping }: SolverConfig): number {
  return (task.damping() ?? 0) + extraDamping;
}

function rowSystem(task: LayerTask, { rows, samples }: RowBlock, damping: number) {
  const { layer, fitSamples, config } = task;
  const scale = 1 / (fitSamples * (config.fisherScale === '1/r' ? layer.r : 1));
  const trace = (task.statistics()?.sumSquares ?? 0) * scale;
  return { rows, count: samples * layer.r, length: layer.d, scale, damping, trace, tolerance: config.solve.tolerance };
}

export interface PreconditionSizes {
  readonly queries: number;
  readonly side: Side;
  readonly solver: DenseSolver;
}

/** h = v A^-1 (columns) or A^-1 v (rows) for V [queries, r, d]. */
export async function preconditionLayer(
  ops: Operations,
  { matrix, size, r, d }: LayerCurvature,
  damping: number,
  v: Float64Array,
  { queries, side, solver }: PreconditionSizes,
  config: SolverConfig,
): Promise<Solved> {
  const a = { matrix, n: size, damping };
  if (side === 'columns') return solveDense(ops, a, v, queries * r, solver, config);
  const transposed = await ops.transposeSamples(v, queries, r, d);
  const solved = await solveDense(ops, a, transposed, queries * d, solver, config);
  return { ...solved, solution: await ops.transposeSamples(solved.solution, queries, d, r) };
}

/** Whether scores may be formed: an iterate that is not fully converged still may, with its residual beside it. */
export function isUsable({ status, residual }: Pick<Solved, 'status' | 'residual'>): boolean {
  return (status === 'ok' || status === 'stepLimit' || status === 'stagnated') && Number.isFinite(residual);
}

/** The certificate of a solve as the outcome of a layer. A layer without usable h contributes 0 and says so. */
export function solvedOutcome(candidate: Candidate, solved: Solved, damping: number, config: Config) {
  const { status, steps, residual, lambdaMin, lambdaMax, muCutoff } = solved;
  const { solver } = candidate;
  const why = isUsable(solved) ? candidate.why : `${candidate.why}; no usable solution: the layer contributes 0`;
  const gramPrecision = solver === 'woodbury' ? null : config.gramPrecision;
  return outcome({ status, damping, solver, why, steps, residual, lambdaMin, lambdaMax, muCutoff, gramPrecision });
}
