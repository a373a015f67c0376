// TracIn at one checkpoint, without learning rates (Pruthi et al. 2020, equation 1; "identity" in the HyperINF code).
//
//   h = v,      score(i) = - <v, g_i>_F
import { outcome, type Estimator } from './estimator.js';

const WHY = 'no curvature: h = v';

export const tracin: Estimator = {
  name: 'tracin',
  candidates: ({ samples, r, d, queries }) => [
    {
      form: 'rows',
      solver: 'none',
      why: WHY,
      needsRows: false,
      passes: 1,
      bytes: 0,
      flops: 2 * samples * r * d * queries,
    },
  ],
  async *run(task, candidate, score) {
    yield score(task.v);
    return outcome({ solver: candidate.solver, why: candidate.why });
  },
};
