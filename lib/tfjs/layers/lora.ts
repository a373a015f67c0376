import type { Tensor } from '@tensorflow/tfjs';
import type { TensorFlow } from '../tensorflow.js';
import { dense, product } from './dense.js';

/** Weights of {@link loraDense}: those of the dense layer, and the two that are trained beside it. */
export interface LoraWeights {
  /** [in, out] */
  readonly weight: Tensor;
  /** [out], or none */
  readonly bias?: Tensor | undefined;
  /** A, [in, rank] */
  readonly loraA: Tensor;
  /** B, [rank, out], zeros at the start */
  readonly loraB: Tensor;
  /** alpha / rank */
  readonly loraScale: number;
}

/**
 * A dense layer and an update of low rank: y = x W + b + scale (x A) B.
 *
 * Captured as [rank, in] for A and [rank, out] for B: the rank is the summed side of both, as the HyperINF authors keep
 * them.
 *
 * @param x [samples, ..., in]
 * @returns [samples, ..., out]
 * @see Hu et al. 2021, arXiv 2106.09685, equation 3
 */
export function loraDense(tf: TensorFlow, x: Tensor, weights: LoraWeights): Tensor {
  const { weight, bias, loraA, loraB, loraScale } = weights;
  const update = product(tf, product(tf, x, loraA), loraB, { rowsAreInputs: true });
  return tf.add(dense(tf, x, weight, bias), tf.mul(update, loraScale));
}
