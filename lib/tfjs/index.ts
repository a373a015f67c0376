// What programs may use to train with TensorFlow.js (gradsift/tfjs).
export { accelerate } from './accelerate.js';
export type { Accelerated, AccelerateOptions } from './accelerate.js';
export type { BackendName } from './heap.js';
export { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
export { adamwStep } from './ops/adamw-step.js';
export type { AdamwStep } from './ops/adamw-step.js';
export { causalAttention } from './ops/causal-attention.js';
export { gelu } from './ops/gelu.js';
export { layerNorm } from './ops/layer-norm.js';
export { rmsNorm } from './ops/rms-norm.js';
export { softmaxCrossEntropy } from './ops/softmax-cross-entropy.js';
export type { TensorFlow } from './tensorflow.js';
