import { stat } from 'node:fs/promises';
import { GradsiftError, mismatch } from '../errors.js';
import { fileStore } from './file-store.js';
import { ioError, openInputFile, type InputFile } from './input-file.js';
import { selectNames, toLayer, type LayerSelection } from './layers.js';
import { memoryStore, type MemoryGradients } from './memory-store.js';
import { placeFolder, placeTensors } from './placed-tensors.js';
import type { GradientStore } from './store.js';

/** Which layers to use, and what to call the store. */
export interface OpenGradientsOptions extends LayerSelection {
  /** Name of the store in messages and results; by default the path, or "memory". */
  readonly source?: string | undefined;
  /**
   * Whether results carry the SHA-256 of the files, from the bytes that are read anyway: about half a second of
   * processor time a gigabyte. True by default; false leaves null in its place.
   */
  readonly hash?: boolean | undefined;
}

/**
 * Opens per-sample gradients: checks everything the files say of themselves, reads no gradient yet.
 *
 * `source` is one of
 * - a `.safetensors` file: one tensor a layer, F32, F64, F16 or BF16, shaped [samples, r, d] or [samples, d] (r = 1);
 * - a `.safetensors.index.json` file: the same in shards, which lie beside the index;
 * - an `.npy` file: one layer, named after the file; '<f4', '<f8' or '<f2', C order;
 * - a folder that holds one index, or one .safetensors file, or .npy files (each a layer);
 * - arrays in memory: `{ layers: { name: { rows, shape } } }`, used where they lie, not copied.
 *
 * Files are opened read-only and stay open until the store is closed. Half precision is widened exactly to float32.
 *
 * @throws GRADSIFT_FORMAT, GRADSIFT_SHAPE or GRADSIFT_DTYPE for what is not such a store, naming file and tensor;
 * GRADSIFT_IO where the file system refuses; GRADSIFT_ARGUMENT for a wrong call or a glob that leaves nothing
 */
export async function openGradients(
  source: string | MemoryGradients,
  options: OpenGradientsOptions = {},
): Promise<GradientStore> {
  const { source: name, hash } = options;
  if (name !== undefined && !(typeof name === 'string' && name !== '')) {
    throw mismatch('GRADSIFT_ARGUMENT', 'options.source', 'a name', name);
  }
  if (hash !== undefined && typeof hash !== 'boolean') {
    throw mismatch('GRADSIFT_ARGUMENT', 'options.hash', 'true or false', hash);
  }
  if (typeof source === 'object' && source !== null) return memoryStore(name ?? 'memory', source, options);
  if (!(typeof source === 'string' && source !== '')) {
    throw mismatch('GRADSIFT_ARGUMENT', 'source', 'a path, or { layers } in memory', source);
  }
  const files: InputFile[] = [];
  try {
    return await openFiles(source, options, files);
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
}

async function openFiles(path: string, options: OpenGradientsOptions, files: InputFile[]): Promise<GradientStore> {
  async function open(one: string): Promise<InputFile> {
    const file = await openInputFile(one, options.hash);
    files.push(file);
    return file;
  }
  const placed = await ((await isFolder(path)) ? placeFolder(path, open) : placeTensors(path, open));
  if (!placed) {
    const expected = 'a folder, or a path that ends in .safetensors, .safetensors.index.json or .npy';
    throw new GradsiftError('GRADSIFT_ARGUMENT', `${path}: expected ${expected}`);
  }
  const source = options.source ?? path;
  const selected = selectNames(
    source,
    placed.map(({ name }) => name),
    options,
  );
  const layers = placed
    .filter(({ name }) => selected.has(name))
    .map(({ name, dtype, shape, file, position }) => ({
      info: toLayer(file.path, name, dtype, shape),
      file,
      position,
    }));
  return fileStore(source, files, layers);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw ioError(path, 'cannot be opened', error);
  }
}
