import type { Tensor } from '@tensorflow/tfjs';
import { requireNumber } from '../../errors.js';
import type { TensorFlow } from '../tensorflow.js';
import { lastDimension, requireTensor } from './inputs.js';
import { differentiable, hasKernel, runKernel } from './native.js';

/**
 * Root-mean-square normalisation over the last dimension (Zhang and Sennrich 2019):
 *
 *   y = gain x / sqrt(mean of x^2 + epsilon)
 *
 * Differentiable in x and gain. In native code where tf is accelerated, by tf's own ops elsewhere.
 *
 * @param x [..., width], float32
 * @param gain [width]
 * @param epsilon > 0; default 1e-5
 * @returns y, of the shape of x
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function rmsNorm(tf: TensorFlow, x: Tensor, gain: Tensor, epsilon = 1e-5): Tensor {
  const width = lastDimension('x', x);
  requireTensor('gain', gain, 'float32', [width]);
  requireNumber('epsilon', epsilon, 'a number > 0', (value) => value > 0);
  if (hasKernel(tf, 'GradsiftNorm')) return native(tf, x, gain, epsilon);
  return tf.tidy(() => x.mul(x.square().mean(-1, true).add(epsilon).rsqrt()).mul(gain));
}

function native(tf: TensorFlow, x: Tensor, gain: Tensor, epsilon: number): Tensor {
  return differentiable(
    tf,
    [x, gain],
    () => ({ value: runKernel(tf, 'GradsiftNorm', { x, gain }, { epsilon }), saved: [x, gain] }),
    (dy, saved) => {
      const [x, gain] = saved as [Tensor, Tensor];
      return runKernel<Tensor[]>(tf, 'GradsiftNormGradient', { x, gain, dy }, { epsilon }).slice(0, 2);
    },
  );
}
