// Measured rates in GFLOP/s by bench/solver-rates.mjs: one thread, AVX-512 (Zen 5, 2026). Only their ratios decide, so
// that they serve machines of the kind; `npm run bench -- solver-rates` prints the table of another.

/** Orders of the matrices, one row each. */
export const SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048] as const;
/** Right-hand sides, one column each; a single column where there are none. */
export const COUNTS = [1, 4, 8, 16, 128] as const;

/**
 * product: triangular n^3; gram: X'X from rows; cholesky: factor, solve, residual; woodbury: the same from n rows of
 * length n; cgStep: one step of conjugate gradients; block: [rhs x n] times [n x n].
 */
export type Work = 'product' | 'gram' | 'cholesky' | 'woodbury' | 'cgStep' | 'block';

export const RATES: Readonly<Record<Work, readonly (readonly number[])[]>> = {
  product: [[4.31], [23], [55.8], [87.3], [101], [110], [108], [112]],
  gram: [[3.35], [16.4], [48.7], [81.1], [97.8], [108], [109], [111]],
  cholesky: [
    [0.822, 1.65, 2.36, 3.27, 4.51],
    [2.75, 4.3, 5.29, 6.42, 7.13],
    [5.23, 6.93, 7.67, 8.13, 9.72],
    [24, 28.1, 31.2, 35.7, 55],
    [43, 48.1, 51, 54.1, 62.5],
    [65.4, 68.1, 70.5, 71.7, 77.8],
    [76.1, 81, 84, 81.8, 81.9],
    [84.1, 84.3, 86.3, 85.2, 88.1],
  ],
  woodbury: [
    [1.77, 3.18, 4.91, 7.33, 12.3],
    [7.95, 11.6, 15.1, 19.4, 26.3],
    [22.8, 28.5, 32.8, 37.4, 52],
    [52.1, 56.6, 58.3, 61.8, 71.5],
    [75.5, 80.3, 79.8, 79.2, 74.6],
    [91.7, 94.6, 92.9, 91.3, 83.6],
    [95.3, 98, 96.7, 95.4, 84.7],
    [103, 102, 104, 102, 87.1],
  ],
  cgStep: [
    [1.1, 2.92, 4.41, 5.46, 6.75],
    [3.5, 8.82, 11.7, 13.7, 15.7],
    [8.53, 21.5, 25.8, 28.6, 33],
    [15.6, 39.5, 44, 47.1, 52.6],
    [15.3, 51.9, 56.3, 58.4, 69.4],
    [10.3, 40.2, 70, 74.9, 80],
    [9.57, 40.6, 75, 81.8, 86.8],
    [4, 15.5, 27.4, 42.4, 79.5],
  ],
  block: [
    [0.609, 2.41, 4.7, 8.99, 41.7],
    [2.3, 8.79, 16.4, 28, 80.5],
    [6.5, 24.4, 41.1, 58.7, 108],
    [16.4, 60, 74.4, 86.8, 120],
    [19.8, 78.7, 84.6, 88.3, 119],
    [12.7, 53.7, 104, 107, 109],
    [11.1, 48.8, 99.3, 105, 105],
    [4.65, 18.8, 32.6, 51.2, 94.8],
  ],
};
