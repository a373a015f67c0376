import type { Jax, JaxArray } from '../jax.js';
import { dense, product } from './dense.js';

/** Weights of {@link loraDense}: those of the dense layer, and the two that are trained beside it. */
export interface LoraWeights {
  /** [in, out] */
  readonly weight: JaxArray;
  /** [out], or none */
  readonly bias?: JaxArray | undefined;
  /** A, [in, rank] */
  readonly loraA: JaxArray;
  /** B, [rank, out], zeros at the start */
  readonly loraB: JaxArray;
  /** alpha / rank */
  readonly loraScale: number;
}

/**
 * A dense layer and an update of low rank: y = x W + b + scale (x A) B.
 *
 * Captured as [rank, in] for A and [rank, out] for B: the rank is the summed side of both, as the HyperINF authors keep
 * them. Takes its arguments, as functions of jax-js do.
 *
 * @param x [samples, ..., in]
 * @returns [samples, ..., out]
 * @see Hu et al. 2021, arXiv 2106.09685, equation 3
 */
export function loraDense(jax: Jax, x: JaxArray, weights: LoraWeights): JaxArray {
  const { numpy } = jax;
  const { weight, bias, loraA, loraB, loraScale } = weights;
  const update = product(jax, product(jax, x.ref, loraA), loraB, { rowsAreInputs: true });
  return numpy.add(dense(jax, x, weight, bias), numpy.multiply(update, loraScale));
}
