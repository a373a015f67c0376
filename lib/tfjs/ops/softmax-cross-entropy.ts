import type { Tensor } from '@tensorflow/tfjs';
import type { TensorFlow } from '../tensorflow.js';
import { lastDimension, requireTensor } from './inputs.js';
import { requireLabels } from './labels.js';
import { differentiable, hasKernel, runKernel } from './native.js';

/**
 * Cross-entropy of softmax(logits) and integer labels, one loss a row, in nats:
 *
 *   loss_i = log(sum_j exp(logits_ij)) - logits_i,label(i)
 *
 * Differentiable in the logits. In native code where tf is accelerated, by tf's own ops elsewhere.
 *
 * @param logits [..., classes], float32
 * @param labels [...], int32, each in [0, classes)
 * @returns the losses, [...]; their mean is the usual objective
 * @throws GradsiftError GRADSIFT_ARGUMENT for a label out of range, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the
 *   argument
 */
export function softmaxCrossEntropy(tf: TensorFlow, logits: Tensor, labels: Tensor): Tensor {
  const classes = lastDimension('logits', logits);
  requireTensor('labels', labels, 'int32', logits.shape.slice(0, -1));
  if (hasKernel(tf, 'GradsiftCrossEntropy')) return native(tf, logits, labels);
  requireLabels(labels.dataSync(), classes);
  return tf.tidy(() => {
    const chosen = tf.oneHot(labels, classes).cast('float32');
    return tf.logSoftmax(logits).mul(chosen).sum(-1).neg();
  });
}

function native(tf: TensorFlow, logits: Tensor, labels: Tensor): Tensor {
  return differentiable(
    tf,
    [logits],
    () => ({ value: runKernel(tf, 'GradsiftCrossEntropy', { logits, labels }), saved: [logits, labels] }),
    (dy, saved) => {
      const [logits, labels] = saved as [Tensor, Tensor];
      return [runKernel(tf, 'GradsiftCrossEntropyGradient', { logits, labels, dy })];
    },
  );
}
