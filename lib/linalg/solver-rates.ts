// Measured rates in GFLOP/s by bench/solver-rates.mjs: one thread, AVX-512 (Zen 5, 2026). Only their ratios decide, so
// that they serve machines of the kind; `npm run bench -- solver-rates` prints the table of another.

/** Orders of the matrices, one row each. */
export const SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048] as const;
/** Right-hand sides, one column each; a single column where there are none. */
export const COUNTS = [1, 16, 128] as const;

/**
 * product: triangular n^3; gram: X'X from rows; cholesky: factor, solve, residual; woodbury: the same from n rows of
 * length n; cgStep: one step of conjugate gradients; block: [rhs x n] times [n x n].
 */
export type Work = 'product' | 'gram' | 'cholesky' | 'woodbury' | 'cgStep' | 'block';

export const RATES: Readonly<Record<Work, readonly (readonly number[])[]>> = {
  product: [[3.17], [17.7], [52.6], [82.2], [98.1], [99.9], [94], [98.3]],
  gram: [[2.86], [15.7], [47.5], [76], [93.3], [98.9], [90.5], [96.6]],
  cholesky: [
    [0.664, 2.84, 5.14],
    [2.54, 6.1, 7.95],
    [5.12, 8.09, 9.28],
    [21.9, 32.7, 48.9],
    [39.9, 48.8, 64.8],
    [57.1, 62.2, 66.4],
    [67.1, 64.1, 68.2],
    [70.4, 72.8, 79],
  ],
  woodbury: [
    [1.49, 5.77, 14.4],
    [7.38, 16.9, 30.6],
    [22.1, 31.9, 48.6],
    [47.7, 54.4, 62.1],
    [70.7, 68.6, 76.3],
    [81.1, 78.9, 73.3],
    [86.6, 80.7, 74.2],
    [94.7, 91.6, 81.5],
  ],
  cgStep: [
    [1.07, 4.88, 6.71],
    [3.36, 13, 15.4],
    [8.55, 25.1, 30.2],
    [11.3, 42.6, 47.4],
    [15.1, 60.5, 62.9],
    [8.73, 68.3, 71.3],
    [8.36, 65.3, 75],
    [3.32, 37.6, 71.8],
  ],
  block: [
    [0.588, 8.52, 37.8],
    [2.3, 26.8, 72.7],
    [5.72, 47.6, 91.4],
    [12.1, 79.2, 101],
    [18.3, 101, 99.2],
    [10, 93, 93.5],
    [9.92, 87.3, 88],
    [3.98, 44.9, 84.9],
  ],
};
