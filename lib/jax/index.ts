// What programs may use to take gradients out of jax-js (gradsift/jax). By copies: jax-js keeps its buffers private and
// takes no kernels from others, so its products stay its own (WebAssembly, one thread in Node), and what it computed is
// copied out once, into the plain arrays that the rest of gradsift works on.
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
export { dense } from './layers/dense.js';
export { embedding, unembedding } from './layers/embedding.js';
export { loraDense } from './layers/lora.js';
export type { LoraWeights } from './layers/lora.js';
export { layerNorm, rmsNorm } from './layers/norm.js';
export type { Batch, Model, Weights } from './model.js';
export { writeGradients } from './write-gradients.js';
export type { WriteGradientsOptions } from './write-gradients.js';
