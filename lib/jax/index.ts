// What programs may use to take gradients out of jax-js (gradsift/jax), by copies: what it computed is copied out once,
// into the plain arrays that the rest of gradsift works on. What jax-js 0.1.25 does not let us do:
//   - run its products in native code: there is no registry of kernels, and buffers are private. In Node it is
//     WebAssembly, `await init('wasm')` (init() looks for a GPU, and fails on Node 20), in one thread (its workers need
//     a global Worker);
//   - free memory by itself: arrays are counted by hand, `array.ref` for a use more. Functions here that jax-js has the
//     like of (dense, ...) take their arguments; those that end outside it (captureGradients, ...) take nothing;
//   - check labels and indices inside a compiled function: one that is out of range reads something else;
//   - on Node 20, einsum and what is made of it (nn.dotProductAttention): it needs iterators with `map`.
export { captureGradients } from './capture/capture-gradients.js';
export { releaseModel } from './capture/compiled.js';
export { gradientRows } from './capture/gradient-rows.js';
export type { CapturedGradients, CaptureOptions } from '../gradients/captured-gradients.js';
export type { Data, Dataset } from './dataset.js';
export { influenceFromModel } from './influence-from-model.js';
export type { InfluenceFromModelOptions } from './influence-from-model.js';
export { MODEL_METHODS } from '../influence/factored-influence.js';
export type { ModelProgress } from '../influence/factored-influence.js';
export type { Jax, JaxArray } from './jax.js';
export { causalSelfAttention } from './layers/attention.js';
export type { AttentionWeights, DenseWeights, Projection } from './layers/attention.js';
export { dense } from './layers/dense.js';
export { embedding, unembedding } from './layers/embedding.js';
export { loraDense } from './layers/lora.js';
export type { LoraWeights } from './layers/lora.js';
export { layerNorm, rmsNorm } from './layers/norm.js';
export type { Batch, Model, Weights } from './model.js';
export { writeGradients } from './write-gradients.js';
export type { WriteGradientsOptions } from './write-gradients.js';
