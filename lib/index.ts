export { choleskySolve, choleskySolveAsync } from './linalg/cholesky-solve.js';
export { matmul, matmulAsync, type MatmulOptions } from './linalg/matmul.js';
export { solveDamped, type DampedSolution, type SolveCertificate, type SolveDampedOptions } from './linalg/solve.js';
export { backend, type Backend } from './native/backend.js';
