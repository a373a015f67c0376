import type { TensorInfo } from '@tensorflow/tfjs';
import { callSync } from '../../native/calls.js';
import { requireDtype } from '../heap.js';
import { BOTH, place, placeAll, rowsOf, type Kernel, type KernelCall } from './kernel.js';

/** bias is absent in the root-mean-square form, where gain stands in for it and is not looked at. */
function inputsOf({ inputs, attrs }: KernelCall) {
  const { x, gain, bias } = inputs as { x: TensorInfo; gain: TensorInfo; bias?: TensorInfo };
  requireDtype('norm', 'x', x, 'float32');
  requireDtype('norm', 'gain', gain, 'float32');
  if (bias) requireDtype('norm', 'bias', bias, 'float32');
  const { rows, columns } = rowsOf(x);
  const { epsilon } = attrs as { epsilon: number };
  return { tensors: [x, gain, bias ?? gain], x, gain, sizes: [rows, columns, epsilon, bias !== undefined] };
}

/** Layer normalisation of the last dimension; with a bias, or in the root-mean-square form without. */
export const norm: Kernel = {
  name: 'GradsiftNorm',
  backends: BOTH,
  run(context, call) {
    const { tensors, x, sizes } = inputsOf(call);
    const { output, out, values } = place(context, call, tensors, x.shape);
    callSync('normRows', [...values, out, ...sizes], context);
    return output;
  },
};

/** Its gradients in x, gain and bias; without a bias, the third is not written. */
export const normGradient: Kernel = {
  name: 'GradsiftNormGradient',
  backends: BOTH,
  run(context, call) {
    const { tensors, x, gain, sizes } = inputsOf(call);
    const { dy } = call.inputs as { dy: TensorInfo };
    requireDtype('norm gradient', 'dy', dy, 'float32');
    const shapes = [x.shape, gain.shape, gain.shape];
    const { outputs, outs, values } = placeAll(context, call, [...tensors, dy], shapes);
    callSync('normRowsGradient', [...values, ...outs, ...sizes], context);
    return outputs;
  },
};
