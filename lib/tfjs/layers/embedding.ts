import type { Tensor } from '@tensorflow/tfjs';
import { GradsiftError, requireInteger } from '../../errors.js';
import { activeRecorder, positionsIn, recordedLayer } from '../capture/recorder.js';
import { requireTensor } from '../ops/inputs.js';
import type { TensorFlow } from '../tensorflow.js';
import { product } from './dense.js';

/**
 * Rows of a table: y_t = table[indices_t].
 *
 * Captured as [vocab, width], the indices standing for unit vectors that are never written out.
 *
 * @param indices int32, [samples, ...], each in 0..vocab-1
 * @param table [vocab, width]
 * @returns [samples, ..., width]
 * @throws GradsiftError GRADSIFT_ARGUMENT for an index out of range, GRADSIFT_SHAPE or GRADSIFT_DTYPE
 */
export function embedding(tf: TensorFlow, indices: Tensor, table: Tensor): Tensor {
  requireIndices(indices, table);
  const recorder = activeRecorder();
  if (!recorder?.wants(table)) return tf.gather(table, indices);
  const positions = positionsIn(recorder, indices, 0, 'embedding');
  const left = recorder.values(indices) as Int32Array;
  const [r, d] = table.shape as [number, number];
  return recordedLayer(tf, recorder, null, {
    value: () => tf.gather(table, indices),
    keep: (gradient) =>
      recorder.record(table, { r, d }, { positions, left, right: recorder.values(gradient) as Float32Array }),
    back: (gradient) => tf.clone(gradient),
  });
}

/** TensorFlow.js would read something else, or nothing. */
function requireIndices(indices: Tensor, table: Tensor): void {
  requireTensor('indices', indices, 'int32');
  requireTensor('table', table);
  if (table.rank !== 2) throw new GradsiftError('GRADSIFT_SHAPE', `table: expected a matrix, got rank ${table.rank}`);
  const vocab = table.shape[0];
  for (const index of indices.dataSync()) requireInteger('indices: an index', index, 0, vocab - 1);
}

/**
 * Logits from the table that the tokens came from: y = x table'. With {@link embedding} this ties the two, and both
 * uses are in the captured gradient.
 *
 * @param x [samples, ..., width]
 * @param table [vocab, width]
 * @returns [samples, ..., vocab]
 */
export function unembedding(tf: TensorFlow, x: Tensor, table: Tensor): Tensor {
  return product(tf, x, table, { transposed: true });
}
