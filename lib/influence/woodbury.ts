// The solve without the matrix, from the rows themselves, for fewer rows than columns:
//
//   (lambda I + scale M' M)^-1 V' = (1/lambda) ( V' - M' (lambda/scale I + M M')^-1 M V' ),   M [rows, n]
import { woodburySolve, woodburySolveAsync } from '../linalg/woodbury-solve.js';
import type { FloatArray } from '../native/binding.js';
import { isShortProduct, type Operations } from './operations.js';
import { isZero, type Solved } from './solve.js';

export interface RowSystem {
  readonly rows: FloatArray;
  /** Number of rows, and their length. */
  readonly count: number;
  readonly length: number;
  readonly scale: number;
  readonly damping: number;
  /** trace(scale M' M) */
  readonly trace: number;
  readonly tolerance: number;
}

/** Solves H (scale M' M + damping I) = V, one right-hand side a row. */
export async function solveByRows(ops: Operations, system: RowSystem, v: Float64Array, rhs: number): Promise<Solved> {
  const { rows, count, length, scale, damping, trace, tolerance } = system;
  const bounds = { lambdaMin: damping, lambdaMax: damping + trace, muCutoff: null };
  if (isZero(v)) return { ...bounds, status: 'ok', steps: 0, residual: 0, solution: new Float64Array(v.length) };
  const options = { count, n: length, rhs, scale, damping, tolerance, ...ops.settings };
  const flops = count * count * length + 4 * (count ** 3 / 3) + 8 * count * length * rhs;
  const { status, steps, residual, solution } = await ops.call(
    isShortProduct(flops),
    () => woodburySolve(rows, v, options),
    () => woodburySolveAsync(rows, v, options),
  );
  return { ...bounds, status, steps, residual, solution };
}
