import { requireInteger } from '../errors.js';
import { openGradientWriter, type GradientWriterOptions } from './gradient-writer.js';
import type { GradientSource } from './gradient-source.js';

/** How gradients are captured and written. */
export interface WriteSourceOptions extends Pick<GradientWriterOptions, 'dtype' | 'metadata'> {
  /** Samples in one forward and backward pass; default 32. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

/** Writes the gradient of every sample of a source as a store; goes on where an interrupted call was. */
export async function writeSource(path: string, source: GradientSource, options: WriteSourceOptions): Promise<void> {
  const { batchSize = 32, dtype, metadata, signal, onProgress } = options;
  requireInteger('batchSize', batchSize, 1);
  const { samples } = source;
  const layers: GradientWriterOptions['layers'][number][] = [];
  await source.forEach({ batchSize: 1, end: 1, signal }, (first) => void layers.push(...first.layers));
  const writer = await openGradientWriter(path, { samples, layers, dtype, metadata });
  try {
    await source.forEach({ batchSize, start: writer.written, signal }, async (captured, start) => {
      await writer.append(captured.layers);
      onProgress?.({ done: start + captured.samples, total: samples });
    });
    await writer.finish();
  } finally {
    await writer.close();
  }
}
