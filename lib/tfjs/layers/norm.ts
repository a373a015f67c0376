// The norms with their weights captured: as the ops of the same names, but for a gain or bias that is being recorded,
// whose layer is then taken in two steps.
import type { Tensor, Variable } from '@tensorflow/tfjs';
import { activeRecorder, positionsIn, recordedLayer, recordVector } from '../capture/recorder.js';
import { layerNorm as layerNormOp } from '../ops/layer-norm.js';
import { rmsNorm as rmsNormOp } from '../ops/rms-norm.js';
import type { TensorFlow } from '../tensorflow.js';
import { addBias } from './dense.js';

/**
 * Layer normalisation over the last dimension (Ba, Kiros and Hinton 2016):
 *
 *   y = gain (x - mean) / sqrt(variance + epsilon) + bias,   variance = mean of (x - mean)^2
 *
 * Captured as [1, width] for gain and bias. In native code where tf is accelerated, by tf's own ops elsewhere.
 *
 * @param x [..., width], float32
 * @param gain [width]
 * @param bias [width]
 * @param epsilon > 0; default 1e-5
 * @returns y, of the shape of x
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function layerNorm(tf: TensorFlow, x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const recorder = activeRecorder();
  if (!recorder?.wants(gain) && !recorder?.wants(bias)) return layerNormOp(tf, x, gain, bias, epsilon);
  const plain = layerNormOp(tf, x, tf.ones(gain.shape), tf.zeros(bias.shape), epsilon);
  return addBias(tf, multiplyBy(tf, plain, gain), bias);
}

/**
 * Root-mean-square normalisation over the last dimension (Zhang and Sennrich 2019, arXiv 1910.07467):
 *
 *   y = gain x / sqrt(mean of x^2 + epsilon)
 *
 * Captured as [1, width]. In native code where tf is accelerated, by tf's own ops elsewhere.
 *
 * @param x [..., width], float32
 * @param gain [width]
 * @param epsilon > 0; default 1e-5
 * @returns y, of the shape of x
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function rmsNorm(tf: TensorFlow, x: Tensor, gain: Tensor, epsilon = 1e-5): Tensor {
  if (!activeRecorder()?.wants(gain)) return rmsNormOp(tf, x, gain, epsilon);
  return multiplyBy(tf, rmsNormOp(tf, x, tf.ones(gain.shape), epsilon), gain);
}

/** y = x gain over the last dimension of x. */
export function multiplyBy(tf: TensorFlow, x: Tensor, gain: Tensor): Tensor {
  const recorder = activeRecorder();
  if (!recorder?.wants(gain)) return tf.mul(x, gain);
  const variable: Variable = gain;
  positionsIn(recorder, x, 1, 'norm');
  return recordedLayer(tf, recorder, x, {
    value(save) {
      save([x]);
      return tf.mul(x, variable);
    },
    keep(gradient, [input]) {
      recordVector(recorder, variable, recorder.values(tf.mul(gradient, input as Tensor)) as Float32Array);
    },
    back: (gradient) => tf.mul(gradient, variable),
  });
}
