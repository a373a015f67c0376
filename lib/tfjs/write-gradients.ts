import type { LayerSelection } from '../gradients/layers.js';
import { writeSource, type WriteSourceOptions } from '../gradients/write-source.js';
import { gradientSource, type Data } from './dataset.js';
import type { Model } from './model.js';

/** Options of {@link writeGradients}. */
export interface WriteGradientsOptions extends WriteSourceOptions, LayerSelection {
  readonly model: Model;
  readonly data: Data;
}

/**
 * Writes the gradient of every sample as a safetensors store, for {@link openGradients} and `gradsift influence`: a
 * tensor [samples, r, d] for each chosen weight. An interrupted call, made again, goes on where it was.
 *
 * @throws GradsiftError as captureGradients and openGradientWriter; the reason of `signal` when aborted
 */
export async function writeGradients(path: string, options: WriteGradientsOptions): Promise<void> {
  const { model, data, layers, exclude, ...rest } = options;
  await writeSource(path, gradientSource('data', data, model, { layers, exclude }), rest);
}
