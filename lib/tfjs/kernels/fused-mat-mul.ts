import type { TensorInfo } from '@tensorflow/tfjs';
import { product } from './batch-mat-mul.js';
import { BOTH, isFloat32, type Kernel, type KernelCall, type KernelContext } from './kernel.js';

interface FusedAttrs {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly activation?: string;
  readonly leakyreluAlpha?: number;
}

/** Kernels of the activations that tf.fused.matMul knows; linear has none. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
};

/** Runs a kernel on an intermediate result, which it replaces. */
function replace(
  context: KernelContext,
  { backend }: KernelCall,
  from: TensorInfo,
  name: string,
  inputs: KernelCall['inputs'],
  attrs: Exclude<KernelCall['attrs'], undefined> = {},
): TensorInfo {
  const to = context.run(name, { inputs, attrs, backend });
  backend.disposeData(from.dataId);
  return to;
}

/** tf.fused.matMul and the dense layers of tf.layers: activation(op(A) op(B) + bias). */
export const fusedMatMul: Kernel = {
  name: '_FusedMatMul',
  backends: BOTH,
  run(context, call) {
    const { a, b, bias, preluActivationWeights: alpha } = call.inputs;
    const { transposeA = false, transposeB = false, activation = 'linear', ...attrs } = call.attrs as FusedAttrs;
    const kernel = ACTIVATIONS[activation];
    const known = activation === 'linear' || kernel !== undefined;
    if (!isFloat32(a) || !isFloat32(b) || !known) return context.stock(call);
    let result = product(context, call, { tensor: a, transpose: transposeA }, { tensor: b, transpose: transposeB });
    if (bias) result = replace(context, call, result, 'Add', { a: result, b: bias });
    if (kernel === undefined) return result;
    const inputs = kernel === 'Prelu' ? { x: result, alpha } : { x: result };
    return replace(context, call, result, kernel, inputs, { alpha: attrs.leakyreluAlpha ?? 0 });
  },
};
