import type { TensorInfo } from '@tensorflow/tfjs';
import { callSync } from '../../native/calls.js';
import { requireDtype } from '../heap.js';
import { BOTH, isFloat32, place, rowsOf, type Kernel } from './kernel.js';

/** tf.softmax over the last dimension. */
export const softmax: Kernel = {
  name: 'Softmax',
  backends: BOTH,
  run(context, call) {
    const { logits } = call.inputs as { logits: TensorInfo };
    const { dim } = call.attrs as { dim: number };
    if (!isFloat32(logits) || dim !== logits.shape.length - 1) return context.stock(call);
    const { rows, columns } = rowsOf(logits);
    const { output, out, values } = place(context, call, [logits], logits.shape);
    callSync('softmax', [values[0] as Float32Array, out, rows, columns, 1, false], context);
    return output;
  },
};

/** softmax(scale x) over what row i of each square matrix sees: its first i + 1 elements; the others become zero. */
export const causalSoftmax: Kernel = {
  name: 'GradsiftCausalSoftmax',
  backends: BOTH,
  run(context, call) {
    const { x } = call.inputs as { x: TensorInfo };
    const { scale } = call.attrs as { scale: number };
    requireDtype('causalSoftmax', 'x', x, 'float32');
    const { rows, columns } = rowsOf(x);
    const { output, out, values } = place(context, call, [x], x.shape);
    callSync('softmax', [values[0] as Float32Array, out, rows, columns, scale, true], context);
    return output;
  },
};

/** Its gradient, given what it returned. */
export const causalSoftmaxGradient: Kernel = {
  name: 'GradsiftCausalSoftmaxGradient',
  backends: BOTH,
  run(context, call) {
    const { y, dy } = call.inputs as { y: TensorInfo; dy: TensorInfo };
    const { scale } = call.attrs as { scale: number };
    requireDtype('causalSoftmax gradient', 'dy', dy, 'float32');
    const { rows, columns } = rowsOf(y);
    const { output, out, values } = place(context, call, [y, dy], y.shape);
    callSync('softmaxGradient', [...values, out, rows, columns, scale, true], context);
    return output;
  },
};
