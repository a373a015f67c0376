import type { GradSaveFunc, NamedAttrMap, Tensor, Variable } from '@tensorflow/tfjs';
import type { TensorFlow } from '../tensorflow.js';

/** Whether the backend in use has the kernel: `accelerate` puts in those whose names begin with Gradsift. */
export function hasKernel(tf: TensorFlow, name: string): boolean {
  return (tf.getKernel(name, tf.getBackend()) as unknown) !== undefined;
}

type Inputs = Readonly<Record<string, Tensor>>;

/** Runs one of our kernels, which returns one tensor or several. */
export function runKernel<Result extends Tensor | Tensor[] = Tensor>(
  tf: TensorFlow,
  name: string,
  inputs: Inputs,
  attrs: NamedAttrMap = {},
): Result {
  return tf.engine().runKernel<Result>(name, { ...inputs }, attrs);
}

/**
 * An operation with a gradient of its own: `forward` gives its value and what the gradient needs, `gradient` the
 * gradients of all inputs.
 */
export function differentiable(
  tf: TensorFlow,
  inputs: readonly Tensor[],
  forward: () => { value: Tensor; saved: Tensor[] },
  gradient: (dy: Tensor, saved: readonly Tensor[]) => Tensor[],
): Tensor {
  const operation = tf.customGrad((...args: (Tensor | GradSaveFunc)[]) => {
    const { value, saved } = forward();
    (args.at(-1) as GradSaveFunc)(saved);
    return { value, gradFunc: (dy: Tensor, kept: Tensor[]) => gradient(dy, kept) };
  });
  return operation(...inputs);
}

/** Gives a variable values that no clone of it shares, so that it may be written to in place. */
export function ownMemory(tf: TensorFlow, variable: Variable): void {
  if (tf.engine().backend.refCount(variable.dataId) === 1) return;
  const copy = tf.tidy(() => tf.mul(variable, 1));
  variable.assign(copy);
  copy.dispose();
}
