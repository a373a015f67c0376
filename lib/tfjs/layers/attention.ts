import type { Tensor } from '@tensorflow/tfjs';
import { GradsiftError } from '../../errors.js';
import { causalAttention } from '../ops/causal-attention.js';
import type { TensorFlow } from '../tensorflow.js';
import { dense } from './dense.js';
import { loraDense, type LoraWeights } from './lora.js';

/** Weights of a dense layer: [in, out], and perhaps a bias, [out]. */
export interface DenseWeights {
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}

/** A dense layer, perhaps with LoRA beside it. */
export type Projection = DenseWeights | LoraWeights;

/** Weights of {@link causalSelfAttention}, each [width, width]. */
export interface AttentionWeights {
  readonly query: Projection;
  readonly key: Projection;
  readonly value: Projection;
  readonly output: Projection;
}

/** A dense layer, or one with LoRA, by the weights that there are. */
export function project(tf: TensorFlow, x: Tensor, weights: Projection): Tensor {
  return 'loraA' in weights ? loraDense(tf, x, weights) : dense(tf, x, weights.weight, weights.bias);
}

/**
 * Attention of every position to itself and those before it: {@link causalAttention} in each head, of size
 * width / heads, between the query, key and value projections of x and the output projection of all heads together.
 *
 * @param x [samples, positions, width]
 * @param heads divides width
 * @returns [samples, positions, width]
 */
export function causalSelfAttention(tf: TensorFlow, x: Tensor, weights: AttentionWeights, heads: number): Tensor {
  const [samples, positions, width] = x.shape as [number, number, number];
  if (!(x.shape.length === 3 && width % heads === 0)) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `causalSelfAttention: expected [samples, positions, a multiple of ${heads}], got [${x.shape.join(', ')}]`,
    );
  }
  const split = (projection: Projection) => {
    const projected = tf.reshape(project(tf, x, projection), [samples, positions, heads, width / heads]);
    return tf.transpose(projected, [0, 2, 1, 3]);
  };
  const attended = causalAttention(tf, split(weights.query), split(weights.key), split(weights.value));
  const together = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [samples, positions, width]);
  return project(tf, together, weights.output);
}
