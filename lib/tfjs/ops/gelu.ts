import type { Tensor } from '@tensorflow/tfjs';
import type { TensorFlow } from '../tensorflow.js';
import { requireTensor } from './inputs.js';
import { differentiable, hasKernel, runKernel } from './native.js';

/**
 * The Gaussian error linear unit (Hendrycks and Gimpel 2016), not its approximation by tanh:
 *
 *   y = x (1 + erf(x / sqrt 2)) / 2
 *
 * Differentiable. In native code where tf is accelerated, by tf's own ops (whose erf errs by up to 1.5e-7) elsewhere.
 *
 * @param x any shape, float32
 * @returns y, of the shape of x
 * @throws GradsiftError GRADSIFT_ARGUMENT or GRADSIFT_DTYPE
 */
export function gelu(tf: TensorFlow, x: Tensor): Tensor {
  requireTensor('x', x);
  if (hasKernel(tf, 'GradsiftGelu')) return native(tf, x);
  return tf.tidy(() => x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1)));
}

function native(tf: TensorFlow, x: Tensor): Tensor {
  return differentiable(
    tf,
    [x],
    () => ({ value: runKernel(tf, 'GradsiftGelu', { x }), saved: [x] }),
    (dy, saved) => [runKernel(tf, 'GradsiftGeluGradient', { x: saved[0] as Tensor, dy })],
  );
}
