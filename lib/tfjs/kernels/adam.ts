import type { TensorInfo } from '@tensorflow/tfjs';
import { callSync } from '../../native/calls.js';
import { requireDtype } from '../heap.js';
import { BOTH, type Kernel } from './kernel.js';

/** Constants of {@link adam}; corrections are 1 / (1 - beta^t). */
export interface AdamAttrs {
  readonly beta1: number;
  readonly beta2: number;
  readonly correction1: number;
  readonly correction2: number;
  readonly learningRate: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** One step of Adam, in place: p, m and v are written to, and nothing is returned. They must share no memory. */
export const adam: Kernel = {
  name: 'GradsiftAdam',
  backends: BOTH,
  run(context, call) {
    const { heap } = context;
    const inputs = ['p', 'g', 'm', 'v'].map((name) => call.inputs[name] as TensorInfo);
    for (const [i, name] of ['p', 'g', 'm', 'v'].entries()) {
      requireDtype('adam', name, inputs[i] as TensorInfo, 'float32');
    }
    for (const input of inputs) heap.view(call.backend, input); // brought here first: the heap may grow, as in placeAll
    const views = inputs.map((input) => heap.view(call.backend, input));
    const { beta1, beta2, ...given } = call.attrs as unknown as AdamAttrs;
    const { correction1, correction2, learningRate, epsilon, weightDecay } = given;
    const constants = [beta1, 1 - beta1, beta2, 1 - beta2, correction1, correction2];
    const size = (views[0] as Float32Array).length;
    callSync('adamStep', [...views, size, ...constants, learningRate, epsilon, weightDecay], context);
    return [];
  },
};
