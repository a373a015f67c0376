// The recursion behind lissa and lissa-gfim on a matrix that is at hand, F (D x D) or G (d x d):
//
//   r_0 = v,   r_{t+1} = v + r_t - a (F + lambda I) r_t = v + P r_t,   P = I - a (F + lambda I),   h = a r_T
//
// r_{t+1} - r_t = v - (F + lambda I) (a r_t) is the residual of h_t itself. a = 1 / (b + lambda) with b >= mu_max(F)
// cannot diverge. The authors' code has the sign of lambda wrong (compat 'datainf'): P = I - a (F - lambda I).
import type { OutcomeStatus } from './estimator.js';
import type { Operations } from './operations.js';
import type { LissaConfig } from './options.js';
import { sumSquares } from './solve.js';

/** Koh and Liang's depth: the most recursions by default. */
export const DEFAULT_STEPS = 5000;
/** Recursions between two looks at the residual. */
export const CHECK_EVERY = 16;
/** A residual this large will not come back: the step is too long. */
const HOPELESS = 1e6;

export interface Recursion {
  readonly status: OutcomeStatus;
  readonly steps: number;
  readonly residual: number;
  /** h = a r_T */
  readonly h: Float64Array;
}

/** The step a: as given, or safe for an upper bound of the spectrum. */
export function stepSizeOf({ stepSize }: LissaConfig, lambdaMax: number): number {
  return stepSize ?? 1 / lambdaMax;
}

/** +1, or -1 for the authors' sign of lambda. */
export function dampingSign({ compat }: LissaConfig): 1 | -1 {
  return compat === 'datainf' ? -1 : 1;
}

/** Whether the recursion ends at step t, given the residual of h_t. */
export function isOver(residual: number, step: number, steps: number, tolerance: number): boolean {
  if (step >= steps || !Number.isFinite(residual)) return true;
  return tolerance > 0 && (residual <= tolerance || residual > HOPELESS);
}

/** What became of a recursion that ended with this residual. */
export function statusOf(residual: number, tolerance: number): OutcomeStatus {
  if (!Number.isFinite(residual)) return 'diverged';
  if (residual <= tolerance) return 'ok';
  return residual > 1 ? 'diverged' : 'stepLimit';
}

/** Whether step t is one at which the residual is looked at. */
export function isCheck(step: number, steps: number): boolean {
  return step === steps || step % CHECK_EVERY === 0;
}

/** min(trace, ||.||_F) of a positive semidefinite matrix: an upper bound of its spectrum. */
export async function spectrumBound(ops: Operations, matrix: Float64Array, size: number): Promise<number> {
  const norms = new Float64Array(size);
  await ops.rowNorms(matrix, size, size, norms);
  let [trace, squares] = [0, 0];
  for (let i = 0; i < size; ++i) {
    trace += matrix[i * size + i] as number;
    squares += norms[i] as number;
  }
  return Math.min(trace, Math.sqrt(squares));
}

/** Runs the recursion on F + damping I for V [rhs, size]. `lambdaMax` bounds the spectrum of F + damping I. */
export async function recurDense(
  ops: Operations,
  { matrix, size, damping, lambdaMax }: { matrix: Float64Array; size: number; damping: number; lambdaMax: number },
  v: Float64Array,
  config: LissaConfig,
): Promise<Recursion> {
  const a = stepSizeOf(config, lambdaMax);
  const { tolerance, steps = DEFAULT_STEPS } = config;
  const shift = dampingSign(config) * damping;
  const p = new Float64Array(matrix.length);
  for (let i = 0; i < size; ++i) {
    for (let j = i * size; j < (i + 1) * size; ++j) p[j] = -a * (matrix[j] as number);
    p[i * size + i]! += 1 - a * shift;
    if ((i & 63) === 63) await ops.turn();
  }
  const queries = v.length / size;
  const scale = Math.sqrt(sumSquares(v));
  let r = v.slice();
  let next = new Float64Array(v.length);
  let residual = scale === 0 ? 0 : NaN;
  let step = 0;
  while (scale > 0) {
    next.set(v);
    await ops.rowDots(p, r, { count: size, length: size, queries, beta: 1, out: next, outStride: size });
    if (isCheck(step, steps)) {
      // v - (F + damping I) a r = (next - r) - a (damping - shift) r
      residual = residualNorm(next, r, a * (damping - shift)) / scale;
      if (isOver(residual, step, steps, tolerance)) break;
    }
    [r, next] = [next, r];
    ++step;
  }
  return { status: statusOf(residual, tolerance), steps: step, residual, h: scaled(r, a) };
}

/** ||next - r - c r|| */
export function residualNorm(next: Float64Array, r: Float64Array, c: number): number {
  let sum = 0;
  for (let j = 0; j < r.length; ++j) sum += ((next[j] as number) - (r[j] as number) * (1 + c)) ** 2;
  return Math.sqrt(sum);
}

/** a r, in place. */
export function scaled(r: Float64Array, a: number): Float64Array {
  for (let j = 0; j < r.length; ++j) r[j]! *= a;
  return r;
}
