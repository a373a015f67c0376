import type { TensorInfo } from '@tensorflow/tfjs';
import type { Kernel, KernelCall } from './kernel.js';

/** The same values under another name: the backend counts one user more, as its Reshape does. */
function shared({ backend }: KernelCall, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}

/** tf.clone, and what every operation saves for its gradient: stock wasm copies the values. */
export const identity: Kernel = {
  name: 'Identity',
  backends: ['wasm'],
  run(_, call) {
    const { x } = call.inputs as { x: TensorInfo };
    return shared(call, x);
  },
};

/** tf.cast to the dtype it has, which gradients do at every turn: stock wasm copies the values. */
export const cast: Kernel = {
  name: 'Cast',
  backends: ['wasm'],
  run(context, call) {
    const { x } = call.inputs as { x: TensorInfo };
    const { dtype } = call.attrs as { dtype: string };
    return x.dtype === dtype ? shared(call, x) : context.stock(call);
  },
};
