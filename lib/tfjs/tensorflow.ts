import type * as tfjs from '@tensorflow/tfjs';

/** The TensorFlow.js of the caller, as `import * as tf from '@tensorflow/tfjs'` gives it. We import none ourselves. */
export type TensorFlow = typeof tfjs;
