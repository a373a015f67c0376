import { requireInteger } from '../errors.js';
import { openGradientWriter, type GradientWriterOptions } from '../gradients/gradient-writer.js';
import type { LayerSelection } from '../gradients/layers.js';
import { captureGradients } from './capture/capture-gradients.js';
import { forEachBatch, toDataset, type Data, type Dataset } from './dataset.js';
import type { Model } from './model.js';

/** Options of {@link writeGradients}. */
export interface WriteGradientsOptions extends LayerSelection, Pick<GradientWriterOptions, 'dtype' | 'metadata'> {
  readonly model: Model;
  readonly data: Data;
  /** Samples in one forward and backward pass; default 32. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

/**
 * Writes the gradient of every sample as a safetensors store, for {@link openGradients} and `gradsift influence`: a
 * tensor [samples, r, d] for each chosen weight. An interrupted call, made again, goes on where it was.
 *
 * @throws GradsiftError as captureGradients and openGradientWriter; the reason of `signal` when aborted
 */
export async function writeGradients(path: string, options: WriteGradientsOptions): Promise<void> {
  const { model, batchSize = 32, dtype, metadata, signal, onProgress } = options;
  requireInteger('batchSize', batchSize, 1);
  const dataset = toDataset(model.tf, 'data', options.data);
  const { samples } = dataset;
  const first: Dataset = { samples: 1, batch: (start, count) => dataset.batch(start, count) };
  const layers: GradientWriterOptions['layers'][number][] = [];
  await forEachBatch(model.tf, first, { batchSize: 1, signal }, (batch) => {
    layers.push(...captureGradients(model, batch, options).layers);
  });
  const writer = await openGradientWriter(path, { samples, layers, dtype, metadata });
  try {
    await forEachBatch(model.tf, dataset, { batchSize, start: writer.written, signal }, async (batch, start) => {
      const captured = captureGradients(model, batch, options);
      await writer.append(captured.layers);
      onProgress?.({ done: start + captured.samples, total: samples });
    });
    await writer.finish();
  } finally {
    await writer.close();
  }
}
