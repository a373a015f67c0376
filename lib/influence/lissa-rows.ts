// The recursion of lissa.ts without any matrix: every step is one pass over the rows.
import type { RowBlock } from '../gradients/store.js';
import {
  outcome,
  WAIT_FOR_FIT,
  zeroLayer,
  type Candidate,
  type Estimator,
  type LayerTask,
  type RowVisitor,
  type ScorePass,
} from './estimator.js';
import { dampingSign, isOver, residualNorm, scaled, statusOf, stepSizeOf } from './lissa-recursion.js';
import { sumSquares } from './solve.js';

/** out += scale sum_k g_k <g_k, r> over the blocks of a pass. */
function fisherProduct(
  { ops, length, shape }: LayerTask,
  r: Float64Array,
  scale: number,
  out: Float64Array,
): RowVisitor {
  const { queries } = shape;
  let weights = new Float64Array(0);
  const visit = async ({ rows, samples: count }: RowBlock) => {
    if (weights.length < queries * count) weights = new Float64Array(queries * count);
    await ops.rowDots(rows, r, { count, length, queries, alpha: scale, out: weights, outStride: count });
    await ops.addWeightedRows(rows, weights, { count, length, queries, weightStride: count, out });
  };
  return { over: 'fit', visit };
}

/** Both visitors in one pass over the same rows. */
function together(first: RowVisitor, second: RowVisitor): RowVisitor {
  const visit = async (block: RowBlock) => {
    await first.visit(block);
    await second.visit(block);
  };
  return { over: first.over, visit };
}

export async function* recurByRows(
  task: LayerTask,
  candidate: Candidate,
  score: ScorePass,
  defaultSteps: number,
): ReturnType<Estimator['run']> {
  const { v, fitSamples, shape } = task;
  const config = task.config.lissa;
  if (task.damping() === null || config.stepSize === undefined) yield WAIT_FOR_FIT;
  const damping = task.damping() ?? 0;
  const squares = task.statistics()?.sumSquares ?? NaN;
  if (damping === 0 && squares === 0) return zeroLayer(candidate);
  // The trace bounds the spectrum of F; nothing tighter is known without a matrix.
  const lambdaMax = damping + squares / fitSamples;
  const a = stepSizeOf(config, lambdaMax);
  const { steps = defaultSteps, tolerance } = config;
  const shift = dampingSign(config) * damping;
  const scale = Math.sqrt(sumSquares(v));
  let r = v.slice();
  let next = new Float64Array(v.length);
  let step = 0;
  for (; step < steps && scale > 0; ++step) {
    for (let j = 0; j < r.length; ++j) next[j] = (v[j] as number) + (1 - a * shift) * (r[j] as number);
    yield fisherProduct(task, r, -a / fitSamples, next);
    const residual = residualNorm(next, r, a * (damping - shift)) / scale;
    if (step > 0 && isOver(residual, step, steps, tolerance)) break;
    [r, next] = [next, r];
  }
  // The certificate of the last iterate, in the pass that scores it where the rows are the same.
  const h = scaled(r, a);
  const rest = v.map((value, j) => value - damping * (h[j] as number));
  const product = fisherProduct(task, h, -1 / fitSamples, rest);
  const finite = h.every(Number.isFinite);
  if (finite && shape.sameRows) {
    const scoring = score(h);
    yield together(scoring, product);
  } else if (finite) {
    yield product;
    yield score(h);
  }
  const residual = scale === 0 ? 0 : finite ? Math.sqrt(sumSquares(rest)) / scale : Infinity;
  const { solver, why } = candidate;
  const known = Number.isFinite(lambdaMax) ? { lambdaMin: damping, lambdaMax } : { lambdaMin: damping };
  return outcome({ status: statusOf(residual, tolerance), damping, solver, why, steps: step, residual, ...known });
}
