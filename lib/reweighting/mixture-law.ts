// Laws of the loss over mixtures, in Scheffe's canonical form for proportions that sum to 1 (1958): no constant, no
// squares, so that the coefficients are determined.
//
//     linear     loss = sum_i b_i w_i
//     quadratic  loss = sum_i b_i w_i + sum_{i<j} b_ij w_i w_j
import { leastSquares } from './least-squares.js';

/** Shape of a law: 'linear', or 'quadratic' with a term for each pair of domains. */
export type LawDegree = 'linear' | 'quadratic';

/** A mixture that was tried, and its loss. */
export interface MixtureRun {
  readonly weights: readonly number[];
  readonly loss: number;
}

/** A fitted law. */
export interface MixtureLaw {
  readonly degree: LawDegree;
  /** b_i in the order of the domains, then b_ij by i, then j. */
  readonly coefficients: readonly number[];
  /** Root mean square of loss minus prediction over the runs. */
  readonly residual: number;
}

function features(weights: readonly number[], degree: LawDegree): number[] {
  if (degree === 'linear') return [...weights];
  return [...weights, ...weights.flatMap((w, i) => weights.slice(i + 1).map((other) => w * other))];
}

/** The law nearest to the runs in least squares; null while they do not determine one (and ridge is 0). */
export function fitMixtureLaw(runs: readonly MixtureRun[], degree: LawDegree, ridge: number): MixtureLaw | null {
  const rows = runs.map(({ weights }) => features(weights, degree));
  const losses = runs.map(({ loss }) => loss);
  const coefficients = leastSquares(rows, losses, ridge);
  if (coefficients === null) return null;
  const square = runs.reduce(
    (sum, { weights, loss }) => sum + (loss - predictLoss({ coefficients, degree }, weights)) ** 2,
    0,
  );
  return { degree, coefficients, residual: Math.sqrt(square / runs.length) };
}

/** The loss that a law expects of a mixture, given in the order of the domains. */
export function predictLoss(law: Pick<MixtureLaw, 'coefficients' | 'degree'>, weights: readonly number[]): number {
  const terms = features(weights, law.degree);
  return terms.reduce((sum, term, index) => sum + term * (law.coefficients[index] as number), 0);
}
