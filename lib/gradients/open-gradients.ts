import { mismatch } from '../errors.js';
import { fileStore } from './file-store.js';
import { openInputFile } from './input-file.js';
import { selectNames, toLayer, type LayerSelection } from './layers.js';
import { memoryStore, type MemoryGradients } from './memory-store.js';
import { readSafetensorsHeader } from './safetensors.js';
import type { GradientStore } from './store.js';

export interface OpenGradientsOptions extends LayerSelection {
  /** Name of the store in messages and results; by default the path, or "memory". */
  readonly source?: string | undefined;
}

/**
 * Opens per-sample gradients: checks everything a file says of itself, reads no gradient yet.
 *
 * `source` is one of
 * - a `.safetensors` file: one tensor a layer, F32, F64, F16 or BF16, shaped [samples, r, d] or [samples, d] (r = 1);
 * - arrays in memory: `{ layers: { name: { rows, shape } } }`, used where they lie, not copied.
 *
 * Close the store when done. @throws GRADSIFT_FORMAT, GRADSIFT_SHAPE or GRADSIFT_DTYPE for what is not such a store,
 * GRADSIFT_IO where the file system refuses, GRADSIFT_ARGUMENT for a wrong call or a glob that leaves nothing.
 */
export async function openGradients(
  source: string | MemoryGradients,
  options: OpenGradientsOptions = {},
): Promise<GradientStore> {
  if (typeof source === 'object' && source !== null) {
    return memoryStore(options.source ?? 'memory', source, options);
  }
  if (!(typeof source === 'string' && source !== '')) {
    throw mismatch('GRADSIFT_ARGUMENT', 'source', 'a path, or { layers } in memory', source);
  }
  const name = options.source ?? source;
  if (source.endsWith('.safetensors')) return openSafetensors(name, source, options);
  throw mismatch('GRADSIFT_ARGUMENT', 'source', 'a path that ends in .safetensors', source);
}

async function openSafetensors(name: string, path: string, selection: LayerSelection): Promise<GradientStore> {
  const file = await openInputFile(path);
  try {
    const { dataStart, tensors } = await readSafetensorsHeader(file);
    const selected = selectNames(
      name,
      tensors.map((tensor) => tensor.name),
      selection,
    );
    const layers = tensors
      .filter((tensor) => selected.has(tensor.name))
      .map((tensor) => ({
        info: toLayer(name, tensor.name, tensor.dtype, tensor.shape),
        file,
        position: dataStart + tensor.begin,
      }));
    return fileStore(name, [file], layers);
  } catch (error) {
    await file.close();
    throw error;
  }
}
