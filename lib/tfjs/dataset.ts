import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tensor } from '@tensorflow/tfjs';
import { mismatch, requireInteger } from '../errors.js';
import { requireBatch } from './capture/capture-gradients.js';
import type { Batch } from './model.js';
import type { TensorFlow } from './tensorflow.js';

/** Samples that are made when they are needed. */
export interface Dataset {
  readonly samples: number;
  /** The samples start .. start + count - 1. Asked for more than once; its tensors are disposed after use. */
  batch(start: number, count: number): Batch | Promise<Batch>;
}

/** All samples as two tensors, which stay the caller's, or a {@link Dataset}. */
export type Data = Batch | Dataset;

/** Data as a dataset. @throws GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE naming what is wrong */
export function toDataset(tf: TensorFlow, name: string, data: Data): Dataset {
  const given = data as Partial<Batch & Dataset> | null | undefined;
  if (typeof given?.batch === 'function') {
    requireInteger(`${name}.samples`, given.samples, 1);
    return data as Dataset;
  }
  if (given?.inputs === undefined) {
    throw mismatch('GRADSIFT_ARGUMENT', name, '{ inputs, targets } or { samples, batch(start, count) }', data);
  }
  const batch = data as Batch;
  const samples = requireBatch(batch);
  const slice = (tensor: Tensor, start: number, count: number) => tf.slice(tensor, [start], [count]);
  return {
    samples,
    batch: (start, count) => ({
      inputs: slice(batch.inputs, start, count),
      targets: slice(batch.targets, start, count),
    }),
  };
}

/** How a dataset is gone through. */
export interface BatchLoop {
  readonly batchSize: number;
  /** First sample; default 0. */
  readonly start?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Calls `visit` with one batch after the other and disposes of them; in between the event loop gets its turn. */
export async function forEachBatch(
  tf: TensorFlow,
  dataset: Dataset,
  { batchSize, start: first = 0, signal }: BatchLoop,
  visit: (batch: Batch, start: number) => void | Promise<void>,
): Promise<void> {
  const { samples } = dataset;
  for (let start = first; start < samples; start += batchSize) {
    signal?.throwIfAborted();
    const count = Math.min(batchSize, samples - start);
    const { inputs, targets } = await dataset.batch(start, count);
    try {
      const got = requireBatch({ inputs, targets });
      if (got !== count) throw mismatch('GRADSIFT_SHAPE', `batch(${start}, ${count})`, `${count} samples`, got);
      await visit({ inputs, targets }, start);
    } finally {
      tf.dispose([inputs, targets]);
    }
    await nextTurn();
  }
  signal?.throwIfAborted();
}
