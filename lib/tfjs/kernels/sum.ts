import type { TensorInfo } from '@tensorflow/tfjs';
import { callSync } from '../../native/calls.js';
import { sizeOf } from '../heap.js';
import { axesOf, BOTH, isFloat32, place, type Kernel } from './kernel.js';

/** A sum over neighbouring dimensions, times scale(how many values). */
function reduction(name: string, scale: (length: number) => number): Kernel {
  return {
    name,
    backends: BOTH,
    run(context, call) {
      const { x } = call.inputs as { x: TensorInfo };
      const { axis, keepDims = false } = call.attrs as { axis: number | number[]; keepDims?: boolean };
      const axes = axesOf(axis, x);
      const first = axes[0] ?? 0;
      if (!isFloat32(x) || axes.some((value, i) => value !== first + i)) return context.stock(call);
      const end = first + axes.length;
      const length = sizeOf(x.shape.slice(first, end));
      const [outer, inner] = [x.shape.slice(0, first), x.shape.slice(end)];
      const shape = [...outer, ...(keepDims ? axes.map(() => 1) : []), ...inner];
      const { output, out, values } = place(context, call, [x], shape);
      const sizes = [sizeOf(outer), length, sizeOf(inner)];
      callSync('axisSum', [values[0] as Float32Array, out, ...sizes, scale(length)], context);
      return output;
    },
  };
}

/** tf.sum, and with it the gradient of every bias. */
export const sum = reduction('Sum', () => 1);
export const mean = reduction('Mean', (length) => 1 / length);
