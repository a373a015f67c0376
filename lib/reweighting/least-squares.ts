// Small dense least squares, for laws fitted to a few hundred runs.

/**
 * argmin over x of ||A x - b||^2 + ridge ||x||^2, by Householder reflections of the rows [A; sqrt(ridge) I].
 *
 * @param a rows of equal length n, at least n of them unless ridge > 0
 * @param b a number a row
 * @returns x, or null when the rows do not determine it: none, too few, or columns that are dependent to rounding
 */
export function leastSquares(a: readonly (readonly number[])[], b: readonly number[], ridge = 0): number[] | null {
  const n = a[0]?.length ?? 0;
  const extra = ridge > 0 ? n : 0;
  const rows = a.length + extra;
  if (a.length === 0 || rows < n) return null;
  // Columns, the last one the right-hand side.
  const columns = Array.from({ length: n + 1 }, (_, j) => {
    const column = Float64Array.from({ length: rows }, (_, i) => (j < n ? (a[i]?.[j] ?? 0) : (b[i] ?? 0)));
    if (extra > 0 && j < n) column[a.length + j] = Math.sqrt(ridge);
    return column;
  });
  const diagonal = new Float64Array(n);
  for (let j = 0; j < n; ++j) {
    const v = columns[j] as Float64Array;
    const whole = norm(v, 0);
    const length = norm(v, j);
    // What is left of the column is rounding of its own entries: it depends on those before.
    if (!(length > whole * rows * 2 ** -52)) return null;
    const head = v[j] as number;
    diagonal[j] = head > 0 ? -length : length;
    v[j] = head - (diagonal[j] as number);
    const square = 2 * length * (length + Math.abs(head)); // ||v||^2
    for (let other = j + 1; other <= n; ++other) reflect(columns[other] as Float64Array, v, j, square);
  }
  const x = Array<number>(n).fill(0);
  const right = columns[n] as Float64Array;
  for (let j = n - 1; j >= 0; --j) {
    let sum = right[j] as number;
    for (let i = j + 1; i < n; ++i) sum -= (columns[i] as Float64Array)[j]! * (x[i] as number);
    x[j] = sum / (diagonal[j] as number);
  }
  return x;
}

function norm(v: Float64Array, from: number): number {
  let sum = 0;
  for (let i = from; i < v.length; ++i) sum += (v[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** y <- y - 2 v (v' y) / ||v||^2 from element `from` on; square = ||v||^2. */
function reflect(y: Float64Array, v: Float64Array, from: number, square: number): void {
  let product = 0;
  for (let i = from; i < y.length; ++i) product += (v[i] as number) * (y[i] as number);
  const factor = (2 * product) / square;
  for (let i = from; i < y.length; ++i) y[i]! -= factor * (v[i] as number);
}
