import { GradsiftError, show } from '../errors.js';
import { openInputFile } from './input-file.js';
import { ELEMENT_BYTES } from './layers.js';
import { readSafetensorsHeader } from './safetensors.js';
import type { InputRecord, StoredDtype } from './store.js';
import type { Tensor } from './write-safetensors.js';

/** A whole file in memory. */
export interface SafetensorsFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly input: InputRecord;
}

/**
 * Reads a whole safetensors file into memory: for small files of ours, such as saved curvature.
 * @throws GRADSIFT_FORMAT; GRADSIFT_DTYPE for a tensor that is not F32, F64, F16 or BF16; GRADSIFT_IO
 */
export async function readSafetensors(path: string, signal?: AbortSignal): Promise<SafetensorsFile> {
  const file = await openInputFile(path);
  try {
    const checkpoint = () => signal?.throwIfAborted();
    const { dataStart, metadata, tensors: stored } = await readSafetensorsHeader(file);
    const tensors = new Map<string, Tensor>();
    for (const { name, dtype, shape, begin, end } of stored) {
      if (!isStoredDtype(dtype)) {
        throw new GradsiftError('GRADSIFT_DTYPE', `${path}: tensor ${show(name)}: cannot read elements of ${dtype}`);
      }
      const buffer = new ArrayBuffer(end - begin);
      await file.read(new Uint8Array(buffer), dataStart + begin, checkpoint);
      const data = { F32: Float32Array, F64: Float64Array, F16: Uint16Array, BF16: Uint16Array }[dtype];
      tensors.set(name, { dtype, shape, data: new data(buffer) });
    }
    return { metadata, tensors, input: await file.record(checkpoint) };
  } finally {
    await file.close();
  }
}

function isStoredDtype(dtype: string): dtype is StoredDtype {
  return Object.hasOwn(ELEMENT_BYTES, dtype);
}
