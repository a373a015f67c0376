export { choleskySolve, choleskySolveAsync } from './linalg/cholesky-solve.js';
export { matmul, matmulAsync, type MatmulOptions } from './linalg/matmul.js';
