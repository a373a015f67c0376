import type { Tensor } from '@tensorflow/tfjs';
import { GradsiftError } from '../../errors.js';
import { activeRecorder, positionsIn, recordedLayer, recordVector } from '../capture/recorder.js';
import { requireTensor } from '../ops/inputs.js';
import type { TensorFlow } from '../tensorflow.js';

/**
 * y = x W + b over the last dimension of x.
 *
 * Captured as [out, in] for the weight, g = sum_t y'_t x_t' with y' the gradient of y, and [1, out] for the bias.
 *
 * @param x [samples, ..., in]
 * @param weight [in, out]
 * @param bias [out], or none
 * @returns [samples, ..., out]
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function dense(tf: TensorFlow, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const y = product(tf, x, weight);
  return bias === undefined ? y : addBias(tf, y, bias);
}

/** How a product is captured: which factor gives the rows of the gradient. */
export interface ProductOptions {
  /** The weight is [out, in], as an embedding that is read backwards; default false. */
  readonly transposed?: boolean;
  /** The rows of the captured gradient are the weight's inputs (LoRA B: [rank, out]); default its outputs. */
  readonly rowsAreInputs?: boolean;
}

/** y = x W, or x W' when transposed. */
export function product(tf: TensorFlow, x: Tensor, weight: Tensor, options: ProductOptions = {}): Tensor {
  const { transposed = false, rowsAreInputs = false } = options;
  const [inputs, outputs] = sizesOf(x, weight, transposed);
  const multiply = () =>
    tf.reshape(tf.matMul(tf.reshape(x, [-1, inputs]), weight, false, transposed), [...x.shape.slice(0, -1), outputs]);
  const recorder = activeRecorder();
  if (!recorder?.wants(weight)) return multiply();
  const positions = positionsIn(recorder, x, 1, 'dense');
  const values = recorder.values(x) as Float32Array;
  return recordedLayer(tf, recorder, x, {
    value: multiply,
    keep(gradient) {
      const delta = recorder.values(gradient) as Float32Array;
      const [size, left, right] = rowsAreInputs
        ? [{ r: inputs, d: outputs }, values, delta]
        : [{ r: outputs, d: inputs }, delta, values];
      recorder.record(weight, size, { positions, left, right });
    },
    back: (gradient) => tf.reshape(tf.matMul(tf.reshape(gradient, [-1, outputs]), weight, false, !transposed), x.shape),
  });
}

/** [in, out] of a weight that x may be multiplied by. */
function sizesOf(x: Tensor, weight: Tensor, transposed: boolean): [number, number] {
  requireTensor('x', x);
  requireTensor('weight', weight);
  const [inputs, outputs] = (transposed ? [...weight.shape].reverse() : weight.shape) as [number, number];
  if (weight.rank === 2 && x.rank > 0 && x.shape.at(-1) === inputs) return [inputs, outputs];
  const [from, by] = [x.shape, weight.shape].map((shape) => `[${shape.join(', ')}]`);
  throw new GradsiftError('GRADSIFT_SHAPE', `weight: expected a matrix for inputs ${from}, got ${by}`);
}

/** y = x + b over the last dimension of x. */
export function addBias(tf: TensorFlow, x: Tensor, bias: Tensor): Tensor {
  requireTensor('bias', bias, 'float32', x.shape.slice(-1));
  const recorder = activeRecorder();
  if (!recorder?.wants(bias)) return tf.add(x, bias);
  positionsIn(recorder, x, 1, 'bias');
  return recordedLayer(tf, recorder, x, {
    value: () => tf.add(x, bias),
    keep: (gradient) => recordVector(recorder, bias, recorder.values(gradient) as Float32Array),
    back: (gradient) => tf.clone(gradient),
  });
}
