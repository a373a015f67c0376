export { matmul, matmulAsync, type MatmulOptions } from './linalg/matmul.js';
