import type { Tensor } from '@tensorflow/tfjs';
import { GradsiftError, mismatch } from '../../errors.js';

/** Throws unless the argument is a live tensor of the dtype, and of the shape where one is given. */
export function requireTensor(
  name: string,
  tensor: Tensor,
  dtype: 'float32' | 'int32' = 'float32',
  shape: readonly number[] = tensor?.shape,
): void {
  const value = tensor as unknown as Tensor | undefined;
  if (!Array.isArray(value?.shape)) throw mismatch('GRADSIFT_ARGUMENT', name, 'a tensor', tensor);
  if (tensor.isDisposed) {
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${name}: expected a tensor, got one that was disposed`);
  }
  if (tensor.dtype !== dtype) throw mismatch('GRADSIFT_DTYPE', name, dtype, tensor.dtype);
  if (tensor.shape.join() !== shape.join()) {
    const [expected, actual] = [shape.join(', '), tensor.shape.join(', ')];
    throw new GradsiftError('GRADSIFT_SHAPE', `${name}: expected shape [${expected}], got [${actual}]`);
  }
}

/** The last dimension, over which the op works; throws when there is none. */
export function lastDimension(name: string, tensor: Tensor): number {
  requireTensor(name, tensor);
  const length = tensor.shape.at(-1);
  if (length === undefined || length === 0) {
    const actual = `[${tensor.shape.join(', ')}]`;
    throw new GradsiftError('GRADSIFT_SHAPE', `${name}: expected a last dimension of at least 1, got shape ${actual}`);
  }
  return length;
}
