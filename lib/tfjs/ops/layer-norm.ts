import type { Tensor } from '@tensorflow/tfjs';
import { requireNumber } from '../../errors.js';
import type { TensorFlow } from '../tensorflow.js';
import { lastDimension, requireTensor } from './inputs.js';
import { differentiable, hasKernel, runKernel } from './native.js';

/**
 * Layer normalisation over the last dimension (Ba, Kiros and Hinton 2016):
 *
 *   y = gain (x - mean) / sqrt(variance + epsilon) + bias,   variance = mean of (x - mean)^2
 *
 * Differentiable in x, gain and bias. In native code where tf is accelerated, by tf's own ops elsewhere.
 *
 * @param x [..., width], float32
 * @param gain [width]
 * @param bias [width]
 * @param epsilon > 0; default 1e-5
 * @returns y, of the shape of x
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function layerNorm(tf: TensorFlow, x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const width = lastDimension('x', x);
  requireTensor('gain', gain, 'float32', [width]);
  requireTensor('bias', bias, 'float32', [width]);
  requireNumber('epsilon', epsilon, 'a number > 0', (value) => value > 0);
  if (hasKernel(tf, 'GradsiftNorm')) return native(tf, x, gain, bias, epsilon);
  return tf.tidy(() => {
    const centred = x.sub(x.mean(-1, true));
    const variance = centred.square().mean(-1, true);
    return centred.mul(variance.add(epsilon).rsqrt()).mul(gain).add(bias);
  });
}

function native(tf: TensorFlow, x: Tensor, gain: Tensor, bias: Tensor, epsilon: number): Tensor {
  return differentiable(
    tf,
    [x, gain, bias],
    () => ({ value: runKernel(tf, 'GradsiftNorm', { x, gain, bias }, { epsilon }), saved: [x, gain, bias] }),
    (dy, saved) => {
      const [x, gain, bias] = saved as [Tensor, Tensor, Tensor];
      return runKernel<Tensor[]>(tf, 'GradsiftNormGradient', { x, gain, bias, dy }, { epsilon });
    },
  );
}
