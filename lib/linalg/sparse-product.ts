import { setImmediate } from 'node:timers/promises';

/** A sparse matrix by rows: the entries of row i are starts[i] .. starts[i + 1], in the order of their columns. */
export interface SparseRows {
  readonly rows: number;
  readonly columns: number;
  /** [rows + 1] */
  readonly starts: Uint32Array;
  /** Column of each entry. */
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

/** Options of {@link sparseProduct}. */
export interface SparseProductOptions {
  /** Columns of B. */
  readonly width: number;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Multiplications before the event loop gets its turn. */
const TURN = 2 ** 22;

/** C = A B, for sparse A [rows][columns] and dense B [columns][width]; each element is summed in order of columns. */
export async function sparseProduct(
  a: SparseRows,
  b: Float32Array,
  { width, signal }: SparseProductOptions,
): Promise<Float32Array> {
  const out = new Float32Array(a.rows * width);
  const sum = new Float64Array(width);
  let work = 0;
  for (let i = 0; i < a.rows; ++i) {
    sum.fill(0);
    const end = a.starts[i + 1] as number;
    for (let e = a.starts[i] as number; e < end; ++e) {
      const value = a.values[e] as number;
      const from = (a.indices[e] as number) * width;
      for (let j = 0; j < width; ++j) sum[j]! += value * (b[from + j] as number);
    }
    out.set(sum, i * width);
    work += (end - (a.starts[i] as number)) * width;
    if (work < TURN) continue;
    work = 0;
    await setImmediate();
    signal?.throwIfAborted();
  }
  return out;
}

/** A', by rows. */
export function sparseTranspose({ rows, columns, starts, indices, values }: SparseRows): SparseRows {
  const next = new Uint32Array(columns + 1);
  for (const column of indices) next[column + 1]! += 1;
  for (let j = 0; j < columns; ++j) next[j + 1]! += next[j] as number;
  const turned = {
    starts: next.slice(),
    indices: new Uint32Array(indices.length),
    values: new Float32Array(values.length),
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
