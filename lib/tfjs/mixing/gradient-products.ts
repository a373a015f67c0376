// Inner products of gradients that are tensors: each tensor is read where it lies, products and sums are in float64.
import type { Tensor } from '@tensorflow/tfjs';
import { rowGram } from '../../linalg/row-gram.js';
import { rowDots, rowNorms } from '../../linalg/rows.js';
import { HEAPS, type BackendName } from '../heap.js';
import { hasKernel } from '../ops/native.js';
import type { TensorFlow } from '../tensorflow.js';

/** A gradient by the names of its weights. A weight that is missing has a gradient of zeros. */
export type Gradients = Readonly<Record<string, Tensor>>;

/** A gradient to multiply others with. */
export type HeldGradient = ReadonlyMap<string, Float64Array>;

/** The values of a tensor: its own memory where native kernels are at work, a copy elsewhere. */
function valuesOf(tf: TensorFlow, tensor: Tensor): Float32Array {
  if (!hasKernel(tf, 'GradsiftAdam')) return tensor.dataSync<'float32'>();
  return HEAPS[tf.getBackend() as BackendName].view(tf.engine().backend, tensor) as Float32Array;
}

export function holdGradient(tf: TensorFlow, gradients: Gradients): HeldGradient {
  return new Map(
    Object.entries(gradients).map(([name, gradient]) => [name, new Float64Array(valuesOf(tf, gradient))] as const),
  );
}

/** <g, h> and ||g||^2, from one read of g. */
export function productsWith(
  tf: TensorFlow,
  gradients: Gradients,
  held: HeldGradient,
): { readonly product: number; readonly square: number } {
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

/** <g_i, g_j> of all pairs, [count][count], exactly symmetric. */
export function gramOf(tf: TensorFlow, list: readonly Gradients[]): Float64Array {
  const count = list.length;
  const sum = new Float64Array(count * count);
  const part = new Float64Array(count * count);
  const sizes = new Map(list.flatMap((gradients) => Object.entries(gradients).map(([name, { size }]) => [name, size])));
  const rows = new Float32Array(count * Math.max(0, ...sizes.values()));
  for (const [name, length] of sizes) {
    list.forEach((gradients, index) => {
      const row = rows.subarray(index * length, (index + 1) * length);
      const gradient = gradients[name];
      if (gradient === undefined) row.fill(0);
      else row.set(valuesOf(tf, gradient));
    });
    rowGram(rows, { count, length, out: part });
    part.forEach((value, index) => (sum[index] = (sum[index] as number) + value));
  }
  return sum;
}

/** sum_i factors[i] g_i; tensors of the caller. */
export function weightedSum(tf: TensorFlow, list: readonly Gradients[], factors: readonly number[]): Gradients {
  const names = new Set(list.flatMap((gradients) => Object.keys(gradients)));
  return Object.fromEntries(
    [...names].map((name) => {
      const sum = tf.tidy(() => {
        const terms = list.flatMap((gradients, index) => {
          const gradient = gradients[name];
          return gradient === undefined ? [] : [tf.mul(gradient, factors[index] as number)];
        });
        return terms.reduce((total, term) => tf.add(total, term));
      });
      return [name, sum] as const;
    }),
  );
}
