// DataInf in the matrix form of the HyperINF authors' data-selection code: equal to datainf only for r = 1.
//
//   side 'columns':  h = (1/lambda) ( v - v M ),   M = (1/n) sum_k g_k' g_k / (lambda + ||g_k||_F^2)
//   side 'rows':     h = (1/lambda) ( v - M v ),   M = (1/n) sum_k g_k g_k' / (lambda + ||g_k||_F^2)
//
// M is not formed: v g_k' g_k = sum over the rows a of g_k of (v g_ka') g_ka, so the rows of all samples are taken as
// [n r] vectors of length d, and v as [queries r] of them. For side 'rows' all is read transposed.
import type { RowBlock } from '../gradients/store.js';
import { passesToLambda, startAtVOverLambda, undamped } from './closed-form.js';
import { outcome, WAIT_FOR_FIT, zeroLayer, type Estimator, type LayerTask, type RowVisitor } from './estimator.js';

const WHY = 'closed form: v times a mean of g g, weighted by 1 / (lambda + ||g||^2)';

export const datainfMatrix: Estimator = {
  name: 'datainf-matrix',
  candidates: ({ samples, fitSamples, r, d, queries, loaded }, config) => {
    const summed = config.side === 'columns' ? r : d;
    return [
      {
        form: 'rows',
        solver: 'closed form',
        why: WHY,
        needsRows: false,
        passes: passesToLambda(config, loaded) + 2,
        bytes: 8 * queries * (2 * r * d + fitSamples * summed * summed),
        flops: 2 * queries * r * d * (2 * fitSamples * summed + samples),
      },
    ];
  },
  async *run(task, candidate, score) {
    if (task.damping() === null) yield WAIT_FOR_FIT;
    const lambda = task.damping() ?? 0;
    if (!(lambda > 0 && Number.isFinite(1 / lambda))) {
      if (task.statistics()?.sumSquares === 0) return zeroLayer(candidate);
      return undamped(candidate.solver, candidate.why);
    }
    const { layer, shape, config, ops } = task;
    const { r, d } = layer;
    if (config.side === 'columns') {
      const h = await startAtVOverLambda(task, lambda);
      yield subtractMean(task, lambda, task.v, h);
      yield score(h);
    } else {
      const transposed = await ops.transposeSamples(task.v, shape.queries, r, d);
      const h = await startAtVOverLambda({ ...task, v: transposed }, lambda);
      yield subtractMean(task, lambda, transposed, h);
      yield score(await ops.transposeSamples(h, shape.queries, d, r));
    }
    return outcome({ solver: candidate.solver, why: candidate.why, damping: lambda });
  },
};

/** h -= (1/(n lambda)) sum_k v g_k' g_k / (lambda + ||g_k||^2), every g_k and v as [summed, kept]. */
function subtractMean(task: LayerTask, lambda: number, v: Float64Array, h: Float64Array): RowVisitor {
  const { ops, fitSamples, shape, config, layer } = task;
  const [summed, kept] = config.side === 'columns' ? [layer.r, layer.d] : [layer.d, layer.r];
  const queries = shape.queries * summed;
  let weights = new Float64Array(0);
  const visit = async (block: RowBlock) => {
    const count = block.samples * summed;
    const turned = config.side === 'rows';
    const rows = turned ? await ops.transposeSamples(block.rows, block.samples, layer.r, layer.d) : block.rows;
    if (weights.length < queries * count) weights = new Float64Array(queries * count);
    const norms = task.blockNorms(block);
    const alpha = -1 / (fitSamples * lambda);
    await ops.rowDots(rows, v, { count, length: kept, queries, alpha, out: weights, outStride: count });
    for (let q = 0; q < queries; ++q) {
      divideByDampedNorms(weights.subarray(q * count, (q + 1) * count), norms, lambda, summed);
      await ops.turn();
    }
    await ops.addWeightedRows(rows, weights, { count, length: kept, queries, weightStride: count, out: h });
  };
  return { over: 'fit', visit };
}

/** Divides the `summed` weights of each sample by lambda + ||g||^2. */
function divideByDampedNorms(weights: Float64Array, norms: Float64Array, lambda: number, summed: number): void {
  for (let k = 0; k < norms.length; ++k) {
    const scale = lambda + (norms[k] as number);
    for (let a = k * summed; a < (k + 1) * summed; ++a) weights[a] = (weights[a] as number) / scale;
  }
}
