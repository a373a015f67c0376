// LiSSA on the generalised Fisher matrix, as in the authors' data-selection code (there a = 1, 10 steps: preset 'llm').
//
//   A = G + lambda I,   r_0 = v,   r <- v + r (I - a A),   h = a r,   score(i) = - <h, g_i>_F
import { keptSize } from './curvature.js';
import { outcome, zeroLayer, type Estimator } from './estimator.js';
import { DEFAULT_STEPS, recurDense, spectrumBound } from './lissa-recursion.js';

export const lissaGfim: Estimator = {
  name: 'lissa-gfim',
  candidates({ samples, fitSamples, r, d, queries, loaded }, { side, lissaGfim: { steps = DEFAULT_STEPS, compat } }) {
    const n = keptSize(side, r, d);
    const summed = side === 'columns' ? r : d;
    const gram = loaded ? 0 : fitSamples * summed * n * n;
    return [
      {
        form: 'gfim',
        solver: compat === undefined ? 'lissa' : `lissa (${compat})`,
        why: 'recursion on the matrix',
        needsRows: false,
        passes: loaded ? 1 : 2,
        flops: gram + 2 * queries * (steps * summed * n * n + samples * r * d),
        bytes: 8 * (n * n + 4 * queries * r * d),
        shares: 'gfim',
      },
    ];
  },
  async *run(task, candidate, score) {
    const { config, ops, layer, v, shape } = task;
    const { r, d } = layer;
    const { matrix, size, sumSquares } = yield* task.curvature('gfim');
    const damping = task.damping() ?? 0;
    if (damping === 0 && sumSquares === 0) return zeroLayer(candidate);
    const columns = config.side === 'columns';
    const turned = columns ? v : await ops.transposeSamples(v, shape.queries, r, d);
    const lambdaMax = damping + (await spectrumBound(ops, matrix, size));
    const found = await recurDense(ops, { matrix, size, damping, lambdaMax }, turned, config.lissaGfim);
    const h = columns ? found.h : await ops.transposeSamples(found.h, shape.queries, d, r);
    if (h.every(Number.isFinite)) yield score(h);
    const { status, steps, residual } = found;
    const { solver, why } = candidate;
    const { gramPrecision } = config;
    return outcome({ status, damping, solver, why, steps, residual, lambdaMin: damping, lambdaMax, gramPrecision });
  },
};
