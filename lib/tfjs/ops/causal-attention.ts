import type { Tensor } from '@tensorflow/tfjs';
import { GradsiftError } from '../../errors.js';
import type { TensorFlow } from '../tensorflow.js';
import { lastDimension, requireTensor } from './inputs.js';
import { differentiable, hasKernel, runKernel } from './native.js';

/**
 * Scaled dot-product attention in which a position sees itself and what came before it (Vaswani et al. 2017, equation
 * 1, with the mask of section 3.2.3):
 *
 *   y = softmax(q k' / sqrt(size) + mask) v,   mask_ts = 0 for s <= t, -infinity for s > t
 *
 * Differentiable in q, k and v. In native code where tf is accelerated, by tf's own ops elsewhere.
 *
 * @param q [..., positions, size], float32; usually [batch, heads, positions, size]
 * @param k of the shape of q
 * @param v of the shape of q
 * @returns y, of the shape of q
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function causalAttention(tf: TensorFlow, q: Tensor, k: Tensor, v: Tensor): Tensor {
  const size = lastDimension('q', q);
  if (q.rank < 2) throw new GradsiftError('GRADSIFT_SHAPE', `q: expected [..., positions, size], got rank ${q.rank}`);
  requireTensor('k', k, 'float32', q.shape);
  requireTensor('v', v, 'float32', q.shape);
  return tf.tidy(() => causalSoftmax(tf, tf.matMul(q, k, false, true), 1 / Math.sqrt(size)).matMul(v));
}

/** softmax(scale x + mask) over the last dimension of the square matrices x. */
function causalSoftmax(tf: TensorFlow, x: Tensor, scale: number): Tensor {
  if (hasKernel(tf, 'GradsiftCausalSoftmax')) return nativeSoftmax(tf, x, scale);
  const positions = x.shape.at(-1) as number;
  const seen = tf.linalg.bandPart(tf.ones([positions, positions]), -1, 0);
  // Far below every score, and finite: infinity minus infinity would be NaN.
  return tf.softmax(x.mul(scale).add(seen.sub(1).mul(1e30)));
}

function nativeSoftmax(tf: TensorFlow, x: Tensor, scale: number): Tensor {
  return differentiable(
    tf,
    [x],
    () => {
      const value = runKernel(tf, 'GradsiftCausalSoftmax', { x }, { scale });
      return { value, saved: [value] };
    },
    (dy, saved) => [runKernel(tf, 'GradsiftCausalSoftmaxGradient', { y: saved[0] as Tensor, dy }, { scale })],
  );
}
