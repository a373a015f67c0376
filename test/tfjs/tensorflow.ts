// TensorFlow.js with both of its CPU backends, as the tests use it.
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerate, type Accelerated } from '../../lib/tfjs/accelerate.js';
import type { BackendName } from '../../lib/tfjs/heap.js';
import { normals } from '../linalg/matrices.js';

export { tf };

export const BACKENDS: readonly BackendName[] = ['wasm', 'cpu'];

/** The cpu backend greets its first user on the console. */
export async function setBackend(backend: BackendName): Promise<void> {
  const greeting = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  await tf.setBackend(backend);
  tf.scalar(0).dispose();
  greeting.mockRestore();
}

/** Runs `body` with native kernels in the backend, and takes them out again. */
export async function accelerated<T>(backend: BackendName, body: (handle: Accelerated) => T): Promise<T> {
  await setBackend(backend);
  const handle = await accelerate(tf, { backend });
  try {
    return body(handle);
  } finally {
    handle.restore();
  }
}

/** Normal numbers of the shape, the same on every run. */
export function tensor(seed: number, shape: readonly number[]): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(Float32Array.from(normals(seed, size)), [...shape]);
}
