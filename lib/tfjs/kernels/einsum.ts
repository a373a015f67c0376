import type { TensorInfo } from '@tensorflow/tfjs';
import { requireDtype, sizeOf } from '../heap.js';
import { product } from './batch-mat-mul.js';
import { BOTH, isFloat32, type Kernel, type KernelCall, type KernelContext } from './kernel.js';

/** A tensor whose dimensions have names: indices into those of the equation. */
interface Named {
  readonly tensor: TensorInfo;
  readonly names: readonly number[];
}

/** Kernels run one after the other on intermediate results, which are freed at the end. */
function workbench(context: KernelContext, { backend }: KernelCall) {
  const made: TensorInfo[] = [];
  const keep = (tensor: TensorInfo): TensorInfo => {
    made.push(tensor);
    return tensor;
  };
  const run = (name: string, x: TensorInfo, attrs: Exclude<KernelCall['attrs'], undefined>) =>
    keep(context.run(name, { inputs: { x }, attrs, backend }));
  return {
    keep,
    /** The sum over the dimensions that `wanted` does not have. */
    sumOthers({ tensor, names }: Named, wanted: readonly number[]): Named {
      let summed = tensor;
      for (let axis = names.length - 1; axis >= 0; --axis) {
        if (!wanted.includes(names[axis] as number)) summed = run('Sum', summed, { axis: [axis], keepDims: false });
      }
      return { tensor: summed, names: names.filter((name) => wanted.includes(name)) };
    },
    /** The dimensions in another order. */
    arrange({ tensor, names }: Named, order: readonly number[]): TensorInfo {
      const perm = order.map((name) => names.indexOf(name));
      return perm.every((axis, i) => axis === i) ? tensor : run('Transpose', tensor, { perm });
    },
    freeAllBut(result: TensorInfo): void {
      for (const { dataId } of made) if (dataId !== result.dataId) backend.disposeData(dataId);
    },
  };
}

/**
 * tf.einsum of one or two tensors: sums over what only one has, then one batched product: what both have and the result
 * keeps is its batch, what both have and the result drops is summed.
 */
export const einsum: Kernel = {
  name: 'Einsum',
  backends: BOTH,
  run(context, call) {
    const { decodeEinsumEquation, checkEinsumDimSizes } = context.tf.backend_util;
    const tensors = Object.values(call.inputs) as TensorInfo[];
    const { equation } = call.attrs as { equation: string };
    const { allDims, summedDims, idDims } = decodeEinsumEquation(equation, tensors.length);
    checkEinsumDimSizes(allDims.length, idDims, tensors as never);
    if (context.heap.name === 'cpu' && !tensors.every(isFloat32)) return context.stock(call);
    for (const [i, tensor] of tensors.entries()) requireDtype('einsum', `input ${i}`, tensor, 'float32');
    const bench = workbench(context, call);
    const result = allDims.map((_, name) => name).filter((name) => !summedDims.includes(name));
    const [x, y] = tensors.map((tensor, i): Named => ({ tensor, names: idDims[i] as number[] })) as [Named, Named?];
    const value =
      y === undefined ? bench.arrange(bench.sumOthers(x, result), result) : pair(context, call, x, y, result);
    bench.freeAllBut(value);
    if (tensors.some(({ dataId }) => dataId === value.dataId)) call.backend.incRef(value.dataId);
    return { dataId: value.dataId, shape: value.shape, dtype: value.dtype };
  },
};

function pair(context: KernelContext, call: KernelCall, a: Named, b: Named, result: readonly number[]): TensorInfo {
  const bench = workbench(context, call);
  const x = bench.sumOthers(a, [...result, ...b.names]);
  const y = bench.sumOthers(b, [...result, ...a.names]);
  const shared = x.names.filter((name) => y.names.includes(name));
  const batch = shared.filter((name) => result.includes(name));
  const summed = shared.filter((name) => !result.includes(name));
  const left = x.names.filter((name) => !shared.includes(name));
  const right = y.names.filter((name) => !shared.includes(name));
  const lengthOf = (name: number) => {
    const from = x.names.includes(name) ? x : y;
    return from.tensor.shape[from.names.indexOf(name)] as number;
  };
  const [batches, depth, m, n] = [batch, summed, left, right].map((names) => sizeOf(names.map(lengthOf)));
  const matrix = (from: Named, order: number[], shape: number[]) => {
    const { dataId, dtype } = bench.arrange(from, order);
    return { tensor: { dataId, dtype, shape }, transpose: false };
  };
  const one = matrix(x, [...batch, ...left, ...summed], [batches, m, depth] as number[]);
  const other = matrix(y, [...batch, ...summed, ...right], [batches, depth, n] as number[]);
  const { dataId, dtype } = bench.keep(product(context, call, one, other));
  const names = [...batch, ...left, ...right];
  const value = bench.arrange({ tensor: { dataId, dtype, shape: names.map(lengthOf) }, names }, result);
  bench.freeAllBut(value);
  return value;
}
