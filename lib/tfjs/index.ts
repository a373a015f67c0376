// What programs may use to train with TensorFlow.js (gradsift/tfjs).
export { accelerate } from './accelerate.js';
export type { Accelerated, AccelerateOptions } from './accelerate.js';
export type { BackendName } from './heap.js';
export type { TensorFlow } from './tensorflow.js';
