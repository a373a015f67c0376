// Gradients that a training framework computes when they are asked for, batch by batch.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { mismatch, requireInteger } from '../errors.js';
import type { CapturedGradients } from './captured-gradients.js';

/** Samples that are made when they are needed. */
export interface Dataset<Batch> {
  readonly samples: number;
  /** The samples start .. start + count - 1. Asked for more than once; what it returns is disposed of after use. */
  batch(start: number, count: number): Batch | Promise<Batch>;
}

/** How a source is gone through. */
export interface BatchLoop {
  /** Samples in one forward and backward pass. */
  readonly batchSize: number;
  /** First sample; default 0. */
  readonly start?: number | undefined;
  /** Sample to stop before; default all. */
  readonly end?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Called with the gradients of one batch, and its first sample. */
export type CaptureVisitor = (captured: CapturedGradients, start: number) => void | Promise<void>;

/** Per-sample gradients in factored form, computed again whenever they are gone through. */
export interface GradientSource {
  readonly samples: number;
  /** Captures one batch after the other, in order; in between the event loop gets its turn. */
  forEach(loop: BatchLoop, visit: CaptureVisitor): Promise<void>;
}

/** What a framework does with its batches. */
export interface BatchOperations<Batch> {
  /** Samples in a batch; throws, naming what is wrong with it. */
  samplesOf(batch: Batch): number;
  slice(batch: Batch, start: number, count: number): Batch;
  dispose(batch: Batch): void;
  capture(batch: Batch): CapturedGradients;
}

/**
 * Gradients of data: all samples as one batch, which stays the caller's, or a {@link Dataset}.
 * @throws GRADSIFT_ARGUMENT naming the data; what `samplesOf` throws
 */
export function gradientSource<Batch extends object>(
  name: string,
  data: Batch | Dataset<Batch>,
  operations: BatchOperations<Batch>,
): GradientSource {
  const dataset = toDataset(name, data, operations);
  const { samples } = dataset;
  return {
    samples,
    async forEach({ batchSize, start: first = 0, end = samples, signal }, visit) {
      for (let start = first; start < end; start += batchSize) {
        signal?.throwIfAborted();
        const count = Math.min(batchSize, end - start);
        const made = await dataset.batch(start, count);
        try {
          const got = operations.samplesOf(made);
          if (got !== count) throw mismatch('GRADSIFT_SHAPE', `batch(${start}, ${count})`, `${count} samples`, got);
          await visit(operations.capture(made), start);
        } finally {
          operations.dispose(made);
        }
        await nextTurn();
      }
      signal?.throwIfAborted();
    },
  };
}

function toDataset<Batch extends object>(
  name: string,
  data: Batch | Dataset<Batch>,
  operations: BatchOperations<Batch>,
): Dataset<Batch> {
  const given = data as Partial<Dataset<Batch>> | null | undefined;
  if (typeof given?.batch === 'function') {
    requireInteger(`${name}.samples`, given.samples, 1);
    return data as Dataset<Batch>;
  }
  if (!(typeof data === 'object' && data !== null && 'inputs' in data)) {
    throw mismatch('GRADSIFT_ARGUMENT', name, '{ inputs, targets } or { samples, batch(start, count) }', data);
  }
  const whole = data as Batch;
  return {
    samples: operations.samplesOf(whole),
    batch: (start, count) => operations.slice(whole, start, count),
  };
}
