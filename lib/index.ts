export { choleskySolve, choleskySolveAsync } from './linalg/cholesky-solve.js';
export { matmul, matmulAsync, type MatmulOptions } from './linalg/matmul.js';
export { solveDamped, type DampedSolution, type SolveCertificate, type SolveDampedOptions } from './linalg/solve.js';
export { backend, type Backend } from './native/backend.js';
export {
  addWeightedRows,
  addWeightedRowsAsync,
  rowDots,
  rowDotsAsync,
  rowNorms,
  rowNormsAsync,
  type AddWeightedRowsOptions,
  type RowDotsOptions,
  type RowsOptions,
} from './linalg/rows.js';
export { fmaPeak, type FmaPeakOptions } from './linalg/fma-peak.js';
export {
  gfim,
  gfimAsync,
  gfimTileSamples,
  type GfimOptions,
  type GfimSide,
  type GradientRows,
  type GramPrecision,
} from './linalg/gfim.js';
export { rowGram, rowGramAsync, type RowGramOptions } from './linalg/row-gram.js';
export { symmetricProduct, symmetricProductAsync, type SymmetricProductOptions } from './linalg/symmetric-product.js';
export { widen, widenAsync, type HalfDtype } from './linalg/widen.js';
