import type { TensorInfo } from '@tensorflow/tfjs';
import { GradsiftError } from '../../errors.js';
import { matmul } from '../../linalg/matmul.js';
import { requireDtype, sizeOf } from '../heap.js';
import { BOTH, isFloat32, place, type Kernel, type KernelCall, type KernelContext } from './kernel.js';

interface Operand {
  readonly tensor: TensorInfo;
  readonly transpose: boolean;
}

/** op(X) of a batch of matrices: its sizes, and the shape of the batch. */
function matrices({ tensor: { shape }, transpose }: Operand) {
  const [rows = 1, columns = 1] = shape.slice(-2);
  const outer = shape.slice(0, -2);
  return { rows: transpose ? columns : rows, columns: transpose ? rows : columns, outer, size: rows * columns };
}

/** For each matrix of the result's batch, which one of the operand's (a batch dimension of length 1 is repeated). */
function broadcast(outer: readonly number[], result: readonly number[]): number[] {
  const lengths = [...Array.from({ length: result.length - outer.length }, () => 1), ...outer];
  let items = [0];
  for (const [axis, length] of result.entries()) {
    const own = lengths[axis] as number;
    items = items.flatMap((item) => Array.from({ length }, (_, at) => item * own + (own === 1 ? 0 : at)));
  }
  return items;
}

/** op(A) op(B), batches broadcast, in the backend's own memory. */
export function product(context: KernelContext, call: KernelCall, a: Operand, b: Operand): TensorInfo {
  requireDtype('matMul', 'a', a.tensor, 'float32');
  requireDtype('matMul', 'b', b.tensor, 'float32');
  const [left, right] = [matrices(a), matrices(b)];
  if (left.columns !== right.rows) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `matMul: expected as many columns of a as rows of b, got ${left.columns} and ${right.rows} ` +
        `(a [${a.tensor.shape.join(', ')}]${a.transpose ? ' transposed' : ''}, ` +
        `b [${b.tensor.shape.join(', ')}]${b.transpose ? ' transposed' : ''})`,
    );
  }
  const outer = context.tf.broadcast_util.assertAndGetBroadcastShape([...left.outer], [...right.outer]);
  const sizes = { m: left.rows, k: left.columns, n: right.columns };
  const shape = [...outer, sizes.m, sizes.n];
  const { output, out, values } = place(context, call, [a.tensor, b.tensor], shape);
  const [x, y] = values as [Float32Array, Float32Array];
  const batch = sizeOf(outer);
  const options = { ...sizes, transposeA: a.transpose, transposeB: b.transpose, threads: context.threads };
  const [itemsA, itemsB] = [sizeOf(left.outer), sizeOf(right.outer)];
  if ([itemsA, itemsB].every((items) => items === batch || items === 1)) {
    const strides = { strideA: itemsA === 1 ? 0 : left.size, strideB: itemsB === 1 ? 0 : right.size };
    matmul(x, y, { ...options, ...strides, batch, out });
    return output;
  }
  const [whichA, whichB] = [broadcast(left.outer, outer), broadcast(right.outer, outer)];
  const sizeC = sizes.m * sizes.n;
  for (let item = 0; item < batch; ++item) {
    const one = x.subarray((whichA[item] as number) * left.size);
    const other = y.subarray((whichB[item] as number) * right.size);
    matmul(one, other, { ...options, out: out.subarray(item * sizeC, (item + 1) * sizeC) });
  }
  return output;
}

/** tf.matMul and the products of its gradient. */
export const batchMatMul: Kernel = {
  name: 'BatchMatMul',
  backends: BOTH,
  run(context, call) {
    const { a, b } = call.inputs;
    if (!isFloat32(a) || !isFloat32(b)) return context.stock(call);
    const { transposeA = false, transposeB = false } = call.attrs as { transposeA?: boolean; transposeB?: boolean };
    return product(context, call, { tensor: a, transpose: transposeA }, { tensor: b, transpose: transposeB });
  },
};
