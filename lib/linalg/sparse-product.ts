import { GradsiftError, mismatch, requireInteger } from '../errors.js';
import { callAsync, callSync, type AsyncCallOptions, type CallOptions } from '../native/calls.js';
import { requireApart, requireFloat32, requireUint32 } from './array-checks.js';

/** A sparse matrix by rows. */
export interface SparseRows {
  readonly rows: number;
  readonly columns: number;
  /** [rows + 1], ascending from 0: the entries of row i are starts[i] .. starts[i + 1]. */
  readonly starts: Uint32Array;
  /** Column of each entry; one of `columns` or more is none, and its entry counts for nothing. */
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

/** Shape of {@link sparseProduct}. */
export interface SparseProductOptions extends CallOptions {
  /** Columns of B. */
  readonly width: number;
  /** Receives C; allocated when absent. Must not share memory with the inputs. */
  readonly out?: Float32Array | undefined;
}

/**
 * C = A B for sparse A and dense B. Each element is summed in order of the entries of its row, in float32 runs of 512
 * entries that are added in float64.
 *
 * @param b [columns][width]
 * @returns C, [rows][width]; the same bits for any number of threads
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function sparseProduct(a: SparseRows, b: Float32Array, options: SparseProductOptions): Float32Array {
  const { out, args } = prepare(a, b, options);
  callSync('sparseProduct', args, options);
  return out;
}

/** As {@link sparseProduct}, on the thread pool. */
export async function sparseProductAsync(
  a: SparseRows,
  b: Float32Array,
  options: SparseProductOptions & AsyncCallOptions,
): Promise<Float32Array> {
  const { out, args } = prepare(a, b, options);
  await callAsync('sparseProduct', args, options);
  return out;
}

function prepare(a: SparseRows, b: Float32Array, options: SparseProductOptions) {
  const { width } = options;
  const entries = requireSparse(a);
  requireInteger('width', width, 0);
  requireFloat32('b', b, a.columns * width);
  const { out = new Float32Array(a.rows * width) } = options;
  requireFloat32('out', out, a.rows * width);
  const { starts, indices, values } = a;
  for (const [name, other] of Object.entries({ starts, indices, values, b })) requireApart('out', out, name, other);
  return { out, args: [starts, indices, values, b, out, a.rows, a.columns, entries, width] };
}

/** @returns the number of entries */
function requireSparse({ rows, columns, starts, indices, values }: SparseRows): number {
  requireInteger('rows', rows, 0);
  requireInteger('columns', columns, 0);
  requireUint32('starts', starts, rows + 1);
  if (starts[0] !== 0) throw mismatch('GRADSIFT_SHAPE', 'starts', 'a first row at 0', starts[0]);
  for (let i = 0; i < rows; ++i) {
    if ((starts[i + 1] as number) < (starts[i] as number)) {
      throw new GradsiftError('GRADSIFT_SHAPE', `starts: expected numbers that ascend, row ${i} ends before it begins`);
    }
  }
  const entries = starts[rows] as number;
  requireUint32('indices', indices, entries);
  requireFloat32('values', values, entries);
  return entries;
}

/** A', its entries in order of the rows of A. @throws as sparseProduct; GRADSIFT_ARGUMENT for a column that is none */
export function sparseTranspose(a: SparseRows): SparseRows {
  const { rows, columns, starts, indices, values } = a;
  const entries = requireSparse(a);
  const next = new Uint32Array(columns + 1);
  for (let e = 0; e < entries; ++e) {
    const column = indices[e] as number;
    if (column >= columns) throw mismatch('GRADSIFT_ARGUMENT', `indices[${e}]`, `a column below ${columns}`, column);
    next[column + 1]! += 1;
  }
  for (let j = 0; j < columns; ++j) next[j + 1]! += next[j] as number;
  const turned = {
    starts: next.slice(),
    indices: new Uint32Array(entries),
    values: new Float32Array(entries),
  };
  for (let i = 0; i < rows; ++i) {
    for (let e = starts[i] as number; e < (starts[i + 1] as number); ++e) {
      const place = next[indices[e] as number]!++;
      turned.indices[place] = i;
      turned.values[place] = values[e] as number;
    }
  }
  return { rows: columns, columns: rows, ...turned };
}
