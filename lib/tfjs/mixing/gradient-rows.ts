// Gradients of several domains side by side: a matrix for each weight, a row a domain, in memory that is used again in
// each step.
import { rowGram } from '../../linalg/row-gram.js';
import { addWeightedRows, rowDots } from '../../linalg/rows.js';
import type { Model } from '../model.js';
import { valuesOf, type Gradients, type HeldGradient, type Products } from './gradient-products.js';

/** Rows are filled from the first on; what is asked is asked of the first `count`. */
export interface GradientRows {
  /** Copies a gradient. A weight that is missing has a gradient of zeros. */
  set(row: number, gradients: Gradients): void;
  /** <g_i, g_j> of all pairs, [count][count], exactly symmetric. */
  gram(count: number): Float64Array;
  /** <g_i, h> and ||g_i||^2. */
  productsWith(count: number, held: HeldGradient): Products[];
  /** sum_i factors[i] g_i; tensors of the caller. */
  weightedSum(factors: readonly number[]): Gradients;
}

/** Room for `most` gradients of the trainable weights of a model. */
export function gradientRows({ tf, weights }: Model, most: number): GradientRows {
  const layers = Object.entries(weights).flatMap(([name, { trainable, shape, size: length }]) =>
    trainable ? [{ name, shape, length, rows: new Float32Array(most * length) }] : [],
  );
  const longest = Math.max(0, ...layers.map(({ length }) => length));
  const sum = new Float64Array(longest);
  return {
    set(row, gradients) {
      for (const { name, length, rows } of layers) {
        const own = rows.subarray(row * length, (row + 1) * length);
        const gradient = gradients[name];
        if (gradient === undefined) own.fill(0);
        else own.set(valuesOf(tf, gradient));
      }
    },
    gram(count) {
      const [all, part] = [new Float64Array(count * count), new Float64Array(count * count)];
      for (const { length, rows } of layers) {
        rowGram(rows, { count, length, out: part });
        addTo(all, part);
      }
      return all;
    },
    productsWith(count, held) {
      const [out, squares, norms] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
      for (const { name, length, rows } of layers) {
        rowDots(rows, held.get(name) ?? sum.fill(0), { count, length, beta: 1, out, norms });
        addTo(squares, norms);
      }
      return Array.from(out, (product, row) => ({ product, square: squares[row] as number }));
    },
    weightedSum(factors) {
      const weights = Float64Array.from(factors);
      return Object.fromEntries(
        layers.map(({ name, shape, length, rows }) => {
          const out = sum.subarray(0, length).fill(0);
          addWeightedRows(rows, weights, { count: factors.length, length, out });
          return [name, tf.tensor(new Float32Array(out), shape)] as const;
        }),
      );
    },
  };
}

function addTo(sums: Float64Array, terms: Float64Array): void {
  terms.forEach((term, index) => (sums[index] = (sums[index] as number) + term));
}
