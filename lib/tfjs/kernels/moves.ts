import type { TensorInfo } from '@tensorflow/tfjs';
import { mismatch } from '../../errors.js';
import { callSync } from '../../native/calls.js';
import { sizeOf } from '../heap.js';
import { axesOf, BOTH, isFloat32, place, placeAll, type Kernel, type KernelContext } from './kernel.js';

interface Dimension {
  readonly size: number;
  /** How far one step goes in the source and in the result. */
  readonly from: number;
  readonly to: number;
}

const MOST_DIMENSIONS = 4;
const NO_STEP: Dimension = { size: 1, from: 0, to: 0 };

/** Copies runs of values from one array of rows to another. */
function copyRuns(
  context: KernelContext,
  x: Float32Array,
  out: Float32Array,
  run: number,
  dimensions: readonly Dimension[],
): void {
  const all = [...Array.from({ length: MOST_DIMENSIONS - dimensions.length }, () => NO_STEP), ...dimensions];
  callSync('stridedCopy', [x, out, run, ...all.flatMap(({ size, from, to }) => [size, from, to])], context);
}

/** tf.transpose where the last dimension stays the last: heads out of and back into the width of a model. */
export const transpose: Kernel = {
  name: 'Transpose',
  backends: BOTH,
  run(context, call) {
    const { x } = call.inputs as { x: TensorInfo };
    const { perm } = call.attrs as { perm: number[] };
    const last = x.shape.length - 1;
    if (!isFloat32(x) || last < 1 || last > MOST_DIMENSIONS || perm[last] !== last) return context.stock(call);
    const shape = perm.map((axis) => x.shape[axis] as number);
    const { output, out, values } = place(context, call, [x], shape);
    const dimensions = shape.slice(0, -1).map((size, axis) => ({
      size,
      from: sizeOf(x.shape.slice((perm[axis] as number) + 1)),
      to: sizeOf(shape.slice(axis + 1)),
    }));
    copyRuns(context, values[0] as Float32Array, out, x.shape[last] as number, dimensions);
    return output;
  },
};

/** tf.split. */
export const splitV: Kernel = {
  name: 'SplitV',
  backends: BOTH,
  run(context, call) {
    const { x } = call.inputs as { x: TensorInfo };
    const { numOrSizeSplits, axis: given } = call.attrs as { numOrSizeSplits: number | number[]; axis: number };
    if (!isFloat32(x)) return context.stock(call);
    const axis = axesOf(given, x)[0] as number;
    const sizes = context.tf.backend_util.prepareSplitSize(x, numOrSizeSplits, axis);
    const shapes = sizes.map((size) => x.shape.map((length, at) => (at === axis ? size : length)));
    const { outputs, outs, values } = placeAll(context, call, [x], shapes);
    const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
    const width = (x.shape[axis] as number) * inner;
    let first = 0;
    for (const [i, size] of sizes.entries()) {
      const from = (values[0] as Float32Array).subarray(first);
      copyRuns(context, from, outs[i] as Float32Array, size * inner, [{ size: outer, from: width, to: size * inner }]);
      first += size * inner;
    }
    return outputs;
  },
};

/** tf.concat, and with it the gradient of tf.split. */
export const concat: Kernel = {
  name: 'Concat',
  backends: BOTH,
  run(context, call) {
    const parts = Object.values(call.inputs) as TensorInfo[];
    const [first] = parts;
    if (!first || !parts.every(isFloat32)) return context.stock(call);
    const axis = axesOf((call.attrs as { axis: number }).axis, first)[0] as number;
    context.tf.backend_util.assertParamsConsistent(
      parts.map(({ shape }) => [...shape]),
      axis,
    );
    const shape = context.tf.backend_util.computeOutShape(
      parts.map(({ shape }) => [...shape]),
      axis,
    );
    const { output, out, values } = place(context, call, parts, shape);
    const [outer, inner] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis + 1))];
    const width = (shape[axis] as number) * inner;
    let at = 0;
    for (const [i, part] of parts.entries()) {
      const run = (part.shape[axis] as number) * inner;
      copyRuns(context, values[i] as Float32Array, out.subarray(at), run, [{ size: outer, from: run, to: width }]);
      at += run;
    }
    return output;
  },
};

/** tf.gather along one dimension: embeddings, and the batches of model.fit. Stock wasm moves value by value. */
export const gatherV2: Kernel = {
  name: 'GatherV2',
  backends: BOTH,
  run(context, call) {
    const { x, indices } = call.inputs as { x: TensorInfo; indices: TensorInfo };
    const { axis: given, batchDims = 0 } = call.attrs as { axis: number; batchDims?: number };
    if (!isFloat32(x) || indices.dtype !== 'int32' || batchDims !== 0) return context.stock(call);
    const axis = axesOf(given, x)[0] as number;
    const [before, length, after] = [x.shape.slice(0, axis), x.shape[axis] as number, x.shape.slice(axis + 1)];
    for (const [i, id] of context.heap.view(call.backend, indices).entries()) {
      if (!(id >= 0 && id < length)) throw mismatch('GRADSIFT_ARGUMENT', `indices[${i}]`, `in [0, ${length - 1}]`, id);
    }
    const { output, out, values } = place(context, call, [x, indices], [...before, ...indices.shape, ...after]);
    const [from, ids] = values as [Float32Array, Int32Array];
    const [outer, inner] = [sizeOf(before), sizeOf(after)];
    let to = 0;
    for (let block = 0; block < outer; ++block) {
      for (const id of ids) {
        const start = (block * length + id) * inner;
        out.set(from.subarray(start, start + inner), to);
        to += inner;
      }
    }
    return output;
  },
};
