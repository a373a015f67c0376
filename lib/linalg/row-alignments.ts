// Products of rows with the mean of other rows, and their norms, from one read: what domain weights are made of.
import { mismatch, requireInteger } from '../errors.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { requireApart, requireFloat64 } from './array-checks.js';
import { requireStored, type StoredRows } from './rows.js';
import type { HalfDtype } from './widen.js';

/** Some columns of rows of any stored type. */
export interface RowColumns {
  readonly rows: StoredRows;
  readonly count: number;
  /** Distance between two rows, in elements; default: the columns of the call. */
  readonly rowStride?: number | undefined;
  /** Of rows given as a Uint16Array. */
  readonly dtype?: HalfDtype | undefined;
}

/** Rows to average. */
export interface WeightedTarget extends RowColumns {
  /** Of each row, [count]. */
  readonly weights: Float64Array;
}

/** What {@link addRowAlignments} adds to. */
export interface RowAlignmentSums {
  /** <X_i, h>, [count]. */
  readonly products: Float64Array;
  /** ||X_i||^2, [count]. */
  readonly squares: Float64Array;
  /** ||h||^2, [1]. */
  readonly targetSquare: Float64Array;
}

/** Size of {@link addRowAlignments}. */
export interface RowAlignmentOptions extends CallOptions {
  /** Columns of X and of T. */
  readonly length: number;
}

const NO_TARGET: WeightedTarget = { rows: new Float64Array(0), count: 0, weights: new Float64Array(0) };

/**
 * With h = sum_j weights[j] T_j: products[i] += <X_i, h>, squares[i] += ||X_i||^2, targetSquare[0] += ||h||^2, all in
 * float64. Without a target, squares alone.
 *
 * Columns are summed in runs of 1024, in order: parts of the columns that start at multiples of 1024 give the bits of
 * one call, and any number of threads gives the same.
 *
 * @param x rows X
 * @param target rows T with their weights
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function addRowAlignments(
  x: RowColumns,
  target: WeightedTarget | undefined,
  sums: RowAlignmentSums,
  options: RowAlignmentOptions,
): void {
  callSync('addRowAlignments', prepare(x, target, sums, options), options);
}

/** As {@link addRowAlignments}, on the thread pool. */
export async function addRowAlignmentsAsync(
  x: RowColumns,
  target: WeightedTarget | undefined,
  sums: RowAlignmentSums,
  options: RowAlignmentOptions & AsyncCallOptions,
): Promise<void> {
  await callAsync('addRowAlignments', prepare(x, target, sums, options), options);
}

function prepare(
  x: RowColumns,
  target: WeightedTarget = NO_TARGET,
  { products, squares, targetSquare }: RowAlignmentSums,
  { length }: RowAlignmentOptions,
) {
  requireInteger('length', length, 0);
  const rows = requireStored('rows', x.rows, { ...x, length });
  const targets = requireStored('target', target.rows, { ...target, length });
  if (target !== NO_TARGET && target.count === 0) throw mismatch('GRADSIFT_SHAPE', 'target', 'at least one row', 0);
  requireFloat64('weights', target.weights, target.count);
  requireFloat64('products', products, x.count);
  requireFloat64('squares', squares, x.count);
  requireFloat64('targetSquare', targetSquare, 1);
  const inputs = Object.entries({ rows: x.rows, target: target.rows, weights: target.weights });
  const outputs = Object.entries({ products, squares, targetSquare });
  for (const [at, [name, out]] of outputs.entries()) {
    for (const [other, array] of [...inputs, ...outputs.slice(at + 1)]) requireApart(name, out, other, array);
  }
  return [
    ...[x.rows, target.rows, target.weights, products, squares, targetSquare, x.count, length, target.count],
    ...[rows.rowStride, rows.bfloat16, targets.rowStride, targets.bfloat16],
  ];
}
