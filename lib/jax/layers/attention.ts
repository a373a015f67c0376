import { GradsiftError } from '../../errors.js';
import type { Jax, JaxArray } from '../jax.js';
import { dense } from './dense.js';
import { loraDense, type LoraWeights } from './lora.js';

/** Weights of a dense layer: [in, out], and perhaps a bias, [out]. */
export interface DenseWeights {
  readonly weight: JaxArray;
  readonly bias?: JaxArray | undefined;
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

/**
 * Attention of every position to itself and those before it, in heads of size width / heads, between the query, key and
 * value projections of x and the output projection of all heads together (Vaswani et al. 2017, section 3.2):
 *
 *   y = softmax(q k' / sqrt(size) + mask) v,   mask_ts = 0 for s <= t, -infinity for s > t
 *
 * Takes its arguments, as functions of jax-js do.
 *
 * @param x [samples, positions, width]
 * @param heads divides width
 * @returns [samples, positions, width]
 * @throws GradsiftError GRADSIFT_SHAPE
 */
export function causalSelfAttention(jax: Jax, x: JaxArray, weights: AttentionWeights, heads: number): JaxArray {
  const [samples, positions, width] = x.shape as [number, number, number];
  if (!(x.shape.length === 3 && width % heads === 0)) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `causalSelfAttention: expected [samples, positions, a multiple of ${heads}], got [${x.shape.join(', ')}]`,
    );
  }
  const project = (input: JaxArray, projection: Projection) =>
    'loraA' in projection ? loraDense(jax, input, projection) : dense(jax, input, projection.weight, projection.bias);
  const [q, k, v] = (['query', 'key', 'value'] as const).map((name) =>
    project(x.ref, weights[name])
      .reshape([samples, positions, heads, width / heads])
      .transpose([0, 2, 1, 3]),
  ) as [JaxArray, JaxArray, JaxArray];
  x.dispose();
  const together = causalAttention(jax, q, k, v).transpose([0, 2, 1, 3]).reshape([samples, positions, width]);
  return project(together, weights.output);
}

/** Of q, k and v [..., positions, size]. nn.dotProductAttention would do, if it ran on Node 20. */
function causalAttention({ numpy, nn }: Jax, q: JaxArray, k: JaxArray, v: JaxArray): JaxArray {
  const [positions, size] = q.shape.slice(-2) as [number, number];
  const scores = numpy.matmul(q, numpy.matrixTranspose(k)).mul(1 / Math.sqrt(size));
  const seen = numpy.tri(positions, positions, 0, { dtype: numpy.bool });
  return numpy.matmul(nn.softmax(numpy.where(seen, scores, -Infinity), -1), v);
}
