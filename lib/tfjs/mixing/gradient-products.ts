// Inner products of gradients that are tensors: each tensor is read where it lies, products and sums are in float64.
import type { Tensor } from '@tensorflow/tfjs';
import { rowDots, rowNorms } from '../../linalg/rows.js';
import { HEAPS, type BackendName } from '../heap.js';
import { hasKernel } from '../ops/native.js';
import type { TensorFlow } from '../tensorflow.js';

/** A gradient by the names of its weights. A weight that is missing has a gradient of zeros. */
export type Gradients = Readonly<Record<string, Tensor>>;

/** A gradient to multiply others with. */
export type HeldGradient = ReadonlyMap<string, Float64Array>;

/** The values of a tensor: its own memory where native kernels are at work, a copy elsewhere. */
export function valuesOf(tf: TensorFlow, tensor: Tensor): Float32Array {
  if (!hasKernel(tf, 'GradsiftAdam')) return tensor.dataSync<'float32'>();
  return HEAPS[tf.getBackend() as BackendName].view(tf.engine().backend, tensor) as Float32Array;
}

export function holdGradient(tf: TensorFlow, gradients: Gradients): HeldGradient {
  return new Map(
    Object.entries(gradients).map(([name, gradient]) => [name, new Float64Array(valuesOf(tf, gradient))] as const),
  );
}

/** <g, h> and ||g||^2. */
export interface Products {
  readonly product: number;
  readonly square: number;
}

/** Both from one read of g. */
export function productsWith(tf: TensorFlow, gradients: Gradients, held: HeldGradient): Products {
  const [product, square, norms] = [new Float64Array(1), new Float64Array(1), new Float64Array(1)];
  for (const [name, gradient] of Object.entries(gradients)) {
    const values = valuesOf(tf, gradient);
    const size = { count: 1, length: values.length };
    const other = held.get(name);
    if (other === undefined) rowNorms(values, { ...size, out: norms });
    else rowDots(values, other, { ...size, beta: 1, out: product, norms });
    square[0] = (square[0] as number) + (norms[0] as number);
  }
  return { product: product[0] as number, square: square[0] as number };
}
