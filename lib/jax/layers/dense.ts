import { activeRecorder, positionsIn, vectorTerm } from '../capture/recorder.js';
import type { Jax, JaxArray } from '../jax.js';

/**
 * y = x W + b over the last dimension of x.
 *
 * Captured as [out, in] for the weight, g = sum_t y'_t x_t' with y' the gradient of y, and [1, out] for the bias.
 * Takes its arguments, as functions of jax-js do.
 *
 * @param x [samples, ..., in]
 * @param weight [in, out]
 * @param bias [out], or none
 * @returns [samples, ..., out]
 */
export function dense(jax: Jax, x: JaxArray, weight: JaxArray, bias?: JaxArray): JaxArray {
  const y = product(jax, x, weight);
  return bias === undefined ? y : addBias(jax, y, bias);
}

/** How a product is captured: which factor gives the rows of the gradient. */
export interface ProductOptions {
  /** The weight is [out, in], as an embedding that is read backwards; default false. */
  readonly transposed?: boolean;
  /** The rows of the captured gradient are the weight's inputs (LoRA B: [rank, out]); default its outputs. */
  readonly rowsAreInputs?: boolean;
}

/** y = x W, or x W' when transposed. */
export function product(jax: Jax, x: JaxArray, weight: JaxArray, options: ProductOptions = {}): JaxArray {
  const { numpy } = jax;
  const { transposed = false, rowsAreInputs = false } = options;
  const recorder = activeRecorder();
  const chosen = recorder?.chosen(weight);
  const multiply = (input: JaxArray, matrix: JaxArray) =>
    numpy.matmul(input, transposed ? numpy.matrixTranspose(matrix) : matrix);
  if (!recorder || !chosen) return multiply(x, weight);
  const { name, value } = chosen;
  const positions = positionsIn(recorder, x, 1, `dense: weight "${name}"`);
  const kept = x.ref;
  const y = multiply(x, value);
  const [inputs, outputs] = [kept.shape.at(-1), y.shape.at(-1)] as [number, number];
  return recorder.watch(y, [kept], (delta, [input]) => {
    const [size, left, right] = rowsAreInputs
      ? [{ r: inputs, d: outputs }, input as JaxArray, delta]
      : [{ r: outputs, d: inputs }, delta, input as JaxArray];
    return [{ name, ...size, positions, left: left.ref, right: right.ref }];
  });
}

/** y = x + b over the last dimension of x. */
export function addBias({ numpy }: Jax, x: JaxArray, bias: JaxArray): JaxArray {
  const recorder = activeRecorder();
  const chosen = recorder?.chosen(bias);
  if (!recorder || !chosen) return numpy.add(x, bias);
  const { name, value } = chosen;
  const d = value.size;
  positionsIn(recorder, x, 1, `bias "${name}"`);
  return recorder.watch(numpy.add(x, value), [], (delta) => [vectorTerm(recorder, name, d, delta.ref)]);
}
