// The gradients of a source, gone through several times: kept as factors while they fit a budget.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FactoredLayer } from '../gradients/factored.js';
import type { GradientSource } from '../gradients/gradient-source.js';

export interface CapturesOptions {
  readonly source: GradientSource;
  readonly batchSize: number;
  /** For factors that are kept from one pass to the next. */
  readonly memoryBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Called with the layers of one batch, its first sample and its number of samples. */
export type LayersVisitor = (layers: readonly FactoredLayer[], start: number, samples: number) => void;

export interface Captures {
  readonly samples: number;
  /** One pass, in order. */
  forEach(visit: LayersVisitor): Promise<void>;
}

function bytesOf(layers: readonly FactoredLayer[]): number {
  // Layers share factors (query, key and value have one input): what counts is each buffer once.
  const buffers = new Set(
    layers.flatMap(({ terms }) => terms.flatMap(({ left, right }) => [left.buffer, right.buffer])),
  );
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

export function createCaptures(options: CapturesOptions): Captures {
  const { source, batchSize, memoryBytes, signal } = options;
  const kept: { readonly layers: readonly FactoredLayer[]; readonly start: number; readonly samples: number }[] = [];
  let left = memoryBytes;
  return {
    samples: source.samples,
    async forEach(visit) {
      for (const { layers, start, samples } of kept) {
        signal?.throwIfAborted();
        visit(layers, start, samples);
        await nextTurn();
      }
      const start = kept.reduce((sum, { samples }) => sum + samples, 0);
      await source.forEach({ batchSize, start, signal }, ({ layers, samples }, first) => {
        left -= bytesOf(layers);
        // Only a beginning is kept, so that the rest can be gone through in order.
        if (left >= 0) kept.push({ layers, start: first, samples });
        visit(layers, first, samples);
      });
    },
  };
}
