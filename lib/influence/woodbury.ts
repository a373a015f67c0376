// The solve without the matrix, from the rows themselves, for fewer rows than columns:
//
//   (lambda I + scale M' M)^-1 V' = (1/lambda) ( V' - M' (lambda/scale I + M M')^-1 M V' ),   M [rows, n]
import { choleskySolve, choleskySolveAsync } from '../linalg/cholesky-solve.js';
import type { FloatArray } from '../native/binding.js';
import { isShortProduct, type Operations } from './operations.js';
import { isZero, sumSquares, type Solved } from './solve.js';

export interface RowSystem {
  readonly rows: FloatArray;
  /** Number of rows, and their length. */
  readonly count: number;
  readonly length: number;
  readonly scale: number;
  readonly damping: number;
  /** trace(scale M' M) */
  readonly trace: number;
}

/** Solves H (scale M' M + damping I) = V, one right-hand side a row. */
export async function solveByRows(ops: Operations, system: RowSystem, v: Float64Array, rhs: number): Promise<Solved> {
  const { rows, count, length, scale, damping, trace } = system;
  const bounds = { lambdaMin: damping, lambdaMax: damping + trace, muCutoff: null };
  const solution = new Float64Array(v.length);
  if (isZero(v)) return { ...bounds, status: 'ok', steps: 0, residual: 0, solution };
  const gram = new Float64Array(count * count);
  await ops.rowGram(rows, count, length, gram);
  const products = new Float64Array(rhs * count);
  const dots = { count, length, queries: rhs, out: products, outStride: count };
  await ops.rowDots(rows, v, dots);
  const options = { n: count, rhs, damping: damping / scale, ...ops.settings };
  const {
    status,
    steps,
    solution: s,
  } = await ops.call(
    isShortProduct(4 * (count ** 3 / 3)),
    () => choleskySolve(gram, products, options),
    () => choleskySolveAsync(gram, products, options),
  );
  for (let i = 0; i < s.length; ++i) s[i]! *= -1 / damping;
  for (let j = 0; j < v.length; ++j) solution[j] = (v[j] as number) / damping;
  const sums = { count, length, queries: rhs, weightStride: count };
  await ops.addWeightedRows(rows, s, { ...sums, out: solution });
  // V - damping H - scale (H M') M
  const rest = v.map((value, j) => value - damping * (solution[j] as number));
  await ops.rowDots(rows, solution, { ...dots, alpha: -scale });
  await ops.addWeightedRows(rows, products, { ...sums, out: rest });
  const residual = Math.sqrt(sumSquares(rest) / sumSquares(v));
  return { ...bounds, status, steps, residual, solution };
}
