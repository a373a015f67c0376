// LiSSA (Agarwal, Bullins, Hazan 2017) on the empirical Fisher of a layer, as DataInf and HyperINF use it, but with the
// correct sign of lambda and a step that cannot diverge; compat 'datainf' is their code: a = 1, 10 steps, wrong sign.
//
//   F = (1/n) sum_k vec(g_k) vec(g_k)',   r_0 = v,   r <- v + r - a (F r + lambda r),   h = a r,   score(i) = - <h,
// g_i>
//
// Three forms of the same recursion: on F itself (D x D); on the Gram matrix K = X X' (n x n), with r = c v + X' u,
//   c <- 1 + (1 - a lambda) c,   u <- (1 - a lambda) u - (a/n) (c X v + K u);
// or by one pass over the rows for each step.
import type { RowBlock } from '../gradients/store.js';
import {
  outcome,
  WAIT_FOR_FIT,
  zeroLayer,
  type Candidate,
  type Estimator,
  type LayerTask,
  type ScorePass,
} from './estimator.js';
import { recurByRows } from './lissa-rows.js';
import { recurGram } from './lissa-gram.js';
import { DEFAULT_STEPS, recurDense, spectrumBound, type Recursion } from './lissa-recursion.js';
import type { Config } from './options.js';

/** Recursions where every one is a pass over the rows: the number in the authors' code. */
const DEFAULT_ROW_STEPS = 10;
/** A flop of a pass over rows or a matrix costs this many of a blocked product: it waits for memory. */
const PASS_COST = 4;

/** The ways to recur, cheapest first. */
function candidates(
  { fitSamples, samples, r, d, queries, sameRows }: Parameters<Estimator['candidates']>[0],
  config: Config,
) {
  const { lissa, damping } = config;
  const [n, length] = [fitSamples, r * d];
  const steps = lissa.steps ?? DEFAULT_STEPS;
  const rowSteps = lissa.steps ?? DEFAULT_ROW_STEPS;
  const scoring = 2 * samples * length * queries;
  const solver = lissa.compat === undefined ? 'lissa' : `lissa (${lissa.compat})`;
  const lambdaFirst = damping.kind === 'absolute' && lissa.stepSize !== undefined ? 0 : 1;
  const forms: (Candidate & { readonly cost: number })[] = [
    {
      form: 'fisher',
      solver,
      why: 'recursion on the matrix F',
      needsRows: false,
      passes: 2,
      flops: n * length ** 2 + 2 * steps * length ** 2 * queries + scoring,
      bytes: 8 * (length ** 2 + 4 * queries * length),
      shares: 'fisher',
      cost: n * length ** 2 + PASS_COST * 2 * steps * length ** 2 * queries,
    },
    {
      form: 'gram',
      solver,
      why: "recursion on the Gram matrix X X'",
      needsRows: true,
      passes: 3,
      flops: n ** 2 * length + 2 * steps * n ** 2 * queries + scoring,
      bytes: 8 * (n ** 2 + 5 * queries * n + 2 * queries * length),
      cost: n ** 2 * length + PASS_COST * 2 * steps * n ** 2 * queries,
    },
    {
      form: 'rows',
      solver,
      why: `one pass over the rows for each recursion${lissa.steps === undefined ? ` (${rowSteps} by default)` : ''}`,
      needsRows: false,
      passes: lambdaFirst + rowSteps + (sameRows ? 0 : 1) + 1,
      flops: 4 * rowSteps * n * length * queries + 2 * scoring,
      bytes: 8 * (4 * queries * length + queries * n),
      cost: PASS_COST * 4 * steps * n * length * queries,
    },
  ];
  return forms.sort((a, b) => a.cost - b.cost).map(({ cost: _, ...form }) => form);
}

export const lissa: Estimator = {
  name: 'lissa',
  candidates,
  run(task, candidate, score) {
    if (candidate.form === 'rows') return recurByRows(task, candidate, score, DEFAULT_ROW_STEPS);
    return candidate.form === 'gram' ? onGram(task, candidate, score) : onFisher(task, candidate, score);
  },
};

async function* onFisher(task: LayerTask, candidate: Candidate, score: ScorePass): ReturnType<Estimator['run']> {
  const { config, ops, v, length: size } = task;
  const { matrix, sumSquares } = yield* task.curvature('fisher');
  const damping = task.damping() ?? 0;
  if (damping === 0 && sumSquares === 0) return zeroLayer(candidate);
  const lambdaMax = damping + (await spectrumBound(ops, matrix, size));
  const found = await recurDense(ops, { matrix, size, damping, lambdaMax }, v, config.lissa);
  if (found.h.every(Number.isFinite)) yield score(found.h);
  return recursionOutcome(candidate, found, damping, lambdaMax, task);
}

async function* onGram(task: LayerTask, candidate: Candidate, score: ScorePass): ReturnType<Estimator['run']> {
  const { config, ops, v, length, fitSamples, shape } = task;
  yield WAIT_FOR_FIT;
  const damping = task.damping() ?? 0;
  const { sumSquares = 0 } = task.statistics() ?? {};
  if (damping === 0 && sumSquares === 0) return zeroLayer(candidate);
  const { queries } = shape;
  let found: Awaited<ReturnType<typeof recurGram>> | undefined;
  const visit = async ({ rows, samples: count }: RowBlock) => {
    const gram = new Float64Array(count * count);
    await ops.rowGram(rows, count, length, gram);
    const xv = new Float64Array(queries * count);
    await ops.rowDots(rows, v, { count, length, queries, out: xv, outStride: count });
    found = await recurGram(ops, { gram, xv, v, count, queries, samples: fitSamples, damping }, config.lissa);
    // h = a (c v + X' u)
    await ops.addWeightedRows(rows, found.u, { count, length, queries, weightStride: count, out: found.h });
  };
  yield { over: 'fit', visit };
  const recursion = found as NonNullable<typeof found>;
  if (recursion.h.every(Number.isFinite)) yield score(recursion.h);
  return recursionOutcome(candidate, recursion, damping, recursion.lambdaMax, task);
}

function recursionOutcome(candidate: Candidate, found: Recursion, damping: number, lambdaMax: number, task: LayerTask) {
  const { status, steps, residual } = found;
  const { solver, why } = candidate;
  const gramPrecision = candidate.form === 'fisher' ? task.config.gramPrecision : null;
  return outcome({ status, damping, solver, why, steps, residual, lambdaMin: damping, lambdaMax, gramPrecision });
}
