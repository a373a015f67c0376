import { activeRecorder, positionsIn } from '../capture/recorder.js';
import type { Jax, JaxArray } from '../jax.js';
import { product } from './dense.js';

/**
 * Rows of a table: y_t = table[indices_t].
 *
 * Captured as [vocab, width], the indices standing for unit vectors that are never written out. Takes its arguments, as
 * functions of jax-js do. jax-js says nothing of an index that is out of range; captureGradients does.
 *
 * @param indices int32, [samples, ...], each in 0..vocab-1
 * @param table [vocab, width]
 * @returns [samples, ..., width]
 */
export function embedding({ numpy }: Jax, indices: JaxArray, table: JaxArray): JaxArray {
  const recorder = activeRecorder();
  const chosen = recorder?.chosen(table);
  if (!recorder || !chosen) return numpy.take(table, indices, 0);
  const { name, value } = chosen;
  const positions = positionsIn(recorder, indices, 0, `embedding: weight "${name}"`);
  const [r, d] = value.shape as [number, number];
  const kept = indices.ref.astype(numpy.int32);
  return recorder.watch(numpy.take(value, indices, 0), [kept], (delta, [left]) => [
    { name, r, d, positions, left: (left as JaxArray).ref, right: delta.ref },
  ]);
}

/**
 * Logits from the table that the tokens came from: y = x table'. With {@link embedding} this ties the two, and both
 * uses are in the captured gradient.
 *
 * @param x [samples, ..., width]
 * @param table [vocab, width]
 * @returns [samples, ..., vocab]
 */
export function unembedding(jax: Jax, x: JaxArray, table: JaxArray): JaxArray {
  return product(jax, x, table, { transposed: true });
}
