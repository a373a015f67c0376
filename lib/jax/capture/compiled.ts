// What was compiled for a model, remembered by its `losses`.
import type { JaxArray } from '../jax.js';
import type { Batch, Model } from '../model.js';

interface Disposable {
  dispose(): void;
}

const remembered = new WeakMap<object, Map<string, Disposable>>();

/** The program of a kind for weights and a batch of these shapes: made at the first call, then the same. */
export function compiled<Program extends Disposable>(
  kind: string,
  { losses, weights }: Model,
  names: ReadonlySet<string>,
  batch: Batch,
  make: () => Program,
): Program {
  const programs = remembered.get(losses) ?? new Map<string, Disposable>();
  remembered.set(losses, programs);
  const shapeOf = ({ shape, dtype }: JaxArray) => [dtype, ...shape];
  const shapes = Object.entries(weights).map(([name, array]) => [name, names.has(name), ...shapeOf(array)]);
  const key = JSON.stringify([kind, shapes, shapeOf(batch.inputs), shapeOf(batch.targets)]);
  const program = (programs.get(key) as Program | undefined) ?? make();
  programs.set(key, program);
  return program;
}

/**
 * Frees what captureGradients and gradientRows compiled for a model: the constants of its `losses`, which live in the
 * memory of jax-js, out of the garbage collector's sight. Weights and batches are not touched.
 */
export function releaseModel({ losses }: Pick<Model, 'losses'>): void {
  for (const program of remembered.get(losses)?.values() ?? []) program.dispose();
  remembered.delete(losses);
}

/** References for a function to take, of arrays that stay. */
export function lent<Key extends string>(arrays: Readonly<Record<Key, JaxArray>>): Record<Key, JaxArray> {
  const entries = Object.entries<JaxArray>(arrays).map(([name, array]) => [name, array.ref]);
  return Object.fromEntries(entries) as Record<Key, JaxArray>;
}

/** Runs `work`, which is lent a reference to each array; when it fails, those that it did not take are given back. */
export function lending<Value>(arrays: readonly JaxArray[], work: () => Value): Value {
  const counts = arrays.map(({ refCount }) => refCount);
  try {
    return work();
  } catch (error) {
    arrays.forEach((array, index) => {
      while (array.refCount > (counts[index] as number)) array.dispose();
    });
    throw error;
  }
}
