import type { TensorInfo } from '@tensorflow/tfjs';
import { mismatch } from '../../errors.js';
import { callSync } from '../../native/calls.js';
import { requireDtype, sizeOf } from '../heap.js';
import { BOTH, place, type Kernel } from './kernel.js';

/**
 * out[s] = sum of the x[i] with segmentIds[i] == s, in order of i: the gradient of an embedding (tf.gather). Other ids
 * are dropped, as on the cpu backend. x: [rows, ...]; segmentIds: [rows], int32.
 */
export const unsortedSegmentSum: Kernel = {
  name: 'UnsortedSegmentSum',
  backends: BOTH,
  run(context, call) {
    const { x, segmentIds } = call.inputs as { x: TensorInfo; segmentIds: TensorInfo };
    const { numSegments } = call.attrs as { numSegments: number };
    requireDtype('unsortedSegmentSum', 'x', x, 'float32');
    requireDtype('unsortedSegmentSum', 'segmentIds', segmentIds, 'int32');
    const [rows = 0, ...inner] = x.shape;
    if (segmentIds.shape.length !== 1 || segmentIds.shape[0] !== rows) {
      const actual = `[${segmentIds.shape.join(', ')}]`;
      throw mismatch('GRADSIFT_SHAPE', 'unsortedSegmentSum: segmentIds', `[${rows}]`, actual);
    }
    const { output, out, values } = place(context, call, [x, segmentIds], [numSegments, ...inner]);
    const [from, ids] = values as [Float32Array, Int32Array];
    callSync('segmentSum', [from, ids, out, rows, sizeOf(inner), numSegments], context);
    return output;
  },
};
