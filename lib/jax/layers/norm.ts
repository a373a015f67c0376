import { activeRecorder, positionsIn, vectorTerm } from '../capture/recorder.js';
import type { Jax, JaxArray } from '../jax.js';
import { addBias } from './dense.js';

/**
 * Layer normalisation over the last dimension (Ba, Kiros and Hinton 2016):
 *
 *   y = gain (x - mean) / sqrt(variance + epsilon) + bias,   variance = mean of (x - mean)^2
 *
 * Captured as [1, width] for gain and bias. Takes its arguments, as functions of jax-js do.
 *
 * @param x [samples, ..., width]
 * @param gain [width]
 * @param bias [width]
 * @param epsilon > 0; default 1e-5
 * @returns y, of the shape of x
 */
export function layerNorm(jax: Jax, x: JaxArray, gain: JaxArray, bias: JaxArray, epsilon = 1e-5): JaxArray {
  const { numpy } = jax;
  const centred = numpy.subtract(x.ref, numpy.mean(x, -1, { keepdims: true }));
  return addBias(jax, multiplyBy(jax, toUnitMeanSquare(jax, centred, epsilon), gain), bias);
}

/**
 * Root-mean-square normalisation over the last dimension (Zhang and Sennrich 2019, arXiv 1910.07467):
 *
 *   y = gain x / sqrt(mean of x^2 + epsilon)
 *
 * Captured as [1, width]. Takes its arguments, as functions of jax-js do.
 *
 * @param x [samples, ..., width]
 * @param gain [width]
 * @param epsilon > 0; default 1e-5
 * @returns y, of the shape of x
 */
export function rmsNorm(jax: Jax, x: JaxArray, gain: JaxArray, epsilon = 1e-5): JaxArray {
  return multiplyBy(jax, toUnitMeanSquare(jax, x, epsilon), gain);
}

/** x / sqrt(mean of x^2 + epsilon) */
function toUnitMeanSquare({ numpy }: Jax, x: JaxArray, epsilon: number): JaxArray {
  const meanSquare = numpy.mean(numpy.square(x.ref), -1, { keepdims: true });
  return numpy.trueDivide(x, numpy.sqrt(numpy.add(meanSquare, epsilon)));
}

/** y = x gain over the last dimension of x. */
function multiplyBy({ numpy }: Jax, x: JaxArray, gain: JaxArray): JaxArray {
  const recorder = activeRecorder();
  const chosen = recorder?.chosen(gain);
  if (!recorder || !chosen) return numpy.multiply(x, gain);
  const { name, value } = chosen;
  const d = value.size;
  positionsIn(recorder, x, 1, `norm "${name}"`);
  const kept = x.ref;
  return recorder.watch(numpy.multiply(x, value), [kept], (delta, [input]) => [
    vectorTerm(recorder, name, d, numpy.multiply(delta.ref, (input as JaxArray).ref)),
  ]);
}
