import type { TensorInfo } from '@tensorflow/tfjs';
import { mismatch } from '../../errors.js';
import { requireTensor, sizeOf } from '../heap.js';
import { place, type Kernel } from './kernel.js';

/**
 * out[s] = sum of the x[i] with segmentIds[i] == s, in order of i: the gradient of an embedding (tf.gather). Other ids
 * are dropped, as on the cpu backend. x: [rows, ...]; segmentIds: [rows], int32.
 */
export const unsortedSegmentSum: Kernel = {
  name: 'UnsortedSegmentSum',
  backends: ['wasm', 'cpu'],
  run(context, call) {
    const { x, segmentIds } = call.inputs as { x: TensorInfo; segmentIds: TensorInfo };
    const { numSegments } = call.attrs as { numSegments: number };
    requireTensor('unsortedSegmentSum', 'x', x, 'float32');
    requireTensor('unsortedSegmentSum', 'segmentIds', segmentIds, 'int32');
    const [rows = 0] = x.shape;
    if (segmentIds.shape.length !== 1 || segmentIds.shape[0] !== rows) {
      throw mismatch(
        'GRADSIFT_SHAPE',
        'unsortedSegmentSum: segmentIds',
        `[${rows}]`,
        `[${segmentIds.shape.join(', ')}]`,
      );
    }
    const inner = x.shape.slice(1);
    const length = sizeOf(inner);
    const { output, out, values } = place(context, call, [x, segmentIds], [numSegments, ...inner]);
    const [from, ids] = values as [Float32Array, Int32Array];
    out.fill(0);
    for (let row = 0; row < rows; ++row) {
      const segment = ids[row] as number;
      if (!(segment >= 0 && segment < numSegments)) continue;
      const to = segment * length;
      const at = row * length;
      for (let j = 0; j < length; ++j) out[to + j] = (out[to + j] as number) + (from[at + j] as number);
    }
    return output;
  },
};
