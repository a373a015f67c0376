import type { TensorInfo } from '@tensorflow/tfjs';
import { callSync } from '../../native/calls.js';
import { requireDtype } from '../heap.js';
import { BOTH, place, type Kernel } from './kernel.js';

/** x P(x), P the normal distribution's. */
export const gelu: Kernel = {
  name: 'GradsiftGelu',
  backends: BOTH,
  run(context, call) {
    const { x } = call.inputs as { x: TensorInfo };
    requireDtype('gelu', 'x', x, 'float32');
    const { output, out, values } = place(context, call, [x], x.shape);
    callSync('gelu', [...values, out, out.length], context);
    return output;
  },
};

/** Its gradient. */
export const geluGradient: Kernel = {
  name: 'GradsiftGeluGradient',
  backends: BOTH,
  run(context, call) {
    const { x, dy } = call.inputs as { x: TensorInfo; dy: TensorInfo };
    requireDtype('gelu gradient', 'dy', dy, 'float32');
    const { output, out, values } = place(context, call, [x, dy], x.shape);
    callSync('geluGradient', [...values, out, out.length], context);
    return output;
  },
};
