// Measured rates in GFLOP/s by bench/solver-rates.mjs: one thread, AVX-512 (Zen 5, 2026). Only their ratios decide, so
// that they serve machines of the kind; `npm run bench -- solver-rates` prints the table of another.

/** Orders of the matrices, one row each. */
export const SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048] as const;
/** Right-hand sides, one column each; a single column where there are none. */
export const COUNTS = [1, 16, 128] as const;

/**
 * product: triangular n^3; gram: X'X from rows; rowGram: X X'; cholesky: factor, solve, residual; cgStep: one step of
 * conjugate gradients; block: [rhs x n] times [n x n]; passes: rows against right-hand sides and back.
 */
export type Work = 'product' | 'gram' | 'rowGram' | 'cholesky' | 'cgStep' | 'block' | 'passes';

export const RATES: Readonly<Record<Work, readonly (readonly number[])[]>> = {
  product: [[2.16], [12.9], [46.7], [80.1], [98], [103], [98.1], [98.7]],
  gram: [[2.34], [13.2], [44.1], [75.9], [93.3], [90.8], [93.9], [96.9]],
  rowGram: [[3.25], [17.4], [54.6], [82.9], [98.9], [101], [95], [99.1]],
  cholesky: [
    [0.38, 1.85, 5.25],
    [2.02, 5.3, 19.1],
    [7.61, 15.6, 27.4],
    [21.1, 31.6, 50.2],
    [41.1, 51.3, 61.6],
    [61.2, 68.1, 72.8],
    [64.7, 69, 66.2],
    [73.9, 78.5, 81.4],
  ],
  cgStep: [
    [0.796, 4.12, 4.81],
    [2.87, 9.6, 15.2],
    [8.25, 25.7, 27.7],
    [10.8, 42.9, 48.9],
    [11.6, 61.7, 63.9],
    [9.44, 72, 76.5],
    [8.15, 68.3, 74.2],
    [3.5, 38.8, 71.4],
  ],
  block: [
    [0.281, 4.11, 12.5],
    [1.17, 10.8, 57.3],
    [3.93, 41.5, 74],
    [8.7, 66.3, 97.3],
    [12.4, 93.7, 89.3],
    [10.9, 98.6, 97],
    [9.43, 89.1, 88],
    [4.17, 46.5, 82.7],
  ],
  passes: [
    [0.215, 3.04, 8.48],
    [0.923, 7.47, 34],
    [3.4, 31, 57.8],
    [8.49, 52.4, 74.5],
    [14.6, 70.1, 65.4],
    [16.9, 68.8, 75.3],
    [16, 56.2, 57.2],
    [10.2, 43.4, 54.2],
  ],
};
