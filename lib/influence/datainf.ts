// DataInf (Kwon et al. 2023, equation 5): the inverse of the mean is replaced by the mean of inverses, each of which
// Sherman and Morrison give in closed form. Frobenius products, one damped outer product a sample.
//
//   h = (1/(n lambda)) sum_k ( v - g_k <v, g_k> / (lambda + ||g_k||^2) ),      score(i) = - <h, g_i>
import type { RowBlock } from '../gradients/store.js';
import { passesToLambda, startAtVOverLambda, undamped } from './closed-form.js';
import { outcome, WAIT_FOR_FIT, zeroLayer, type Estimator, type LayerTask, type RowVisitor } from './estimator.js';

const WHY = 'closed form: (1/n) sum of rank-one inverses';

export const datainf: Estimator = {
  name: 'datainf',
  candidates: ({ samples, fitSamples, r, d, queries, loaded }, config) => [
    {
      form: 'rows',
      solver: 'closed form',
      why: WHY,
      needsRows: false,
      passes: passesToLambda(config, loaded) + 2,
      bytes: 8 * queries * (r * d + fitSamples),
      flops: 2 * r * d * queries * (2 * fitSamples + samples),
    },
  ],
  async *run(task, candidate, score) {
    if (task.damping() === null) yield WAIT_FOR_FIT;
    const lambda = task.damping() ?? 0;
    if (!(lambda > 0 && Number.isFinite(1 / lambda))) {
      if (task.statistics()?.sumSquares === 0) return zeroLayer(candidate);
      return undamped(candidate.solver, candidate.why);
    }
    const h = await startAtVOverLambda(task, lambda);
    yield subtractMean(task, lambda, h);
    yield score(h);
    return outcome({ solver: candidate.solver, why: candidate.why, damping: lambda });
  },
};

/** h -= (1/(n lambda)) sum_k g_k <v, g_k> / (lambda + ||g_k||^2) */
function subtractMean(task: LayerTask, lambda: number, h: Float64Array): RowVisitor {
  const { ops, v, length, fitSamples, shape } = task;
  const { queries } = shape;
  let weights = new Float64Array(0);
  const visit = async (block: RowBlock) => {
    const { rows, samples: count } = block;
    if (weights.length < queries * count) weights = new Float64Array(queries * count);
    const norms = task.blockNorms(block);
    await ops.rowDots(rows, v, {
      count,
      length,
      queries,
      alpha: -1 / (fitSamples * lambda),
      out: weights,
      outStride: count,
    });
    for (let q = 0; q < queries; ++q) {
      for (let k = 0; k < count; ++k) weights[q * count + k]! /= lambda + (norms[k] as number);
      await ops.turn();
    }
    await ops.addWeightedRows(rows, weights, { count, length, queries, weightStride: count, out: h });
  };
  return { over: 'fit', visit };
}
