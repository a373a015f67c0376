import type { TensorInfo } from '@tensorflow/tfjs';
import { callSync } from '../../native/calls.js';
import { requireDtype } from '../heap.js';
import { requireLabels } from '../ops/labels.js';
import { BOTH, place, rowsOf, type Kernel, type KernelCall } from './kernel.js';

function inputsOf(call: KernelCall) {
  const { logits, labels } = call.inputs as { logits: TensorInfo; labels: TensorInfo };
  requireDtype('softmaxCrossEntropy', 'logits', logits, 'float32');
  requireDtype('softmaxCrossEntropy', 'labels', labels, 'int32');
  return { logits, labels, ...rowsOf(logits) };
}

/** The cross-entropy of softmax(logits) and integer labels, one a row. */
export const crossEntropy: Kernel = {
  name: 'GradsiftCrossEntropy',
  backends: BOTH,
  run(context, call) {
    const { logits, labels, rows, columns } = inputsOf(call);
    requireLabels(context.heap.view(call.backend, labels), columns);
    const { output, out, values } = place(context, call, [logits, labels], labels.shape);
    callSync('crossEntropy', [...values, out, rows, columns], context);
    return output;
  },
};

/** Its gradient in the logits, dy being that of each row's loss. */
export const crossEntropyGradient: Kernel = {
  name: 'GradsiftCrossEntropyGradient',
  backends: BOTH,
  run(context, call) {
    const { logits, labels, rows, columns } = inputsOf(call);
    const { dy } = call.inputs as { dy: TensorInfo };
    requireDtype('softmaxCrossEntropy gradient', 'dy', dy, 'float32');
    const { output, out, values } = place(context, call, [logits, labels, dy], logits.shape);
    callSync('crossEntropyGradient', [...values, out, rows, columns], context);
    return output;
  },
};
