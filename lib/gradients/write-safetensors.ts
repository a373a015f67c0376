import { GradsiftError, mismatch, show } from '../errors.js';
import { replaceFile } from './replace-file.js';
import { safetensorsHeader } from './safetensors-header.js';
import type { StoredDtype } from './store.js';

/** A whole tensor in memory, row-major; F16 and BF16 as their bits. */
export interface Tensor {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Uint16Array;
}

/**
 * Writes tensors as safetensors, replacing the file as a whole. Wider elements come first and the header is padded with
 * spaces to 8 bytes, so that every tensor is aligned for those who map the file.
 * @throws GRADSIFT_ARGUMENT, GRADSIFT_DTYPE or GRADSIFT_SHAPE naming the tensor; GRADSIFT_IO
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<void> {
  const named = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const { header, entries } = safetensorsHeader(named, metadata);
  const parts = entries.map(({ name, bytes }) => {
    const tensor = tensors[name] as Tensor;
    requireData(name, tensor, bytes);
    return tensor.data;
  });
  await replaceFile(path, [header, ...parts], signal);
}

function requireData(name: string, { dtype, shape, data }: Tensor, bytes: number): void {
  const at = `tensor ${show(name)}`;
  const expected = { F32: 'Float32Array', F64: 'Float64Array', F16: 'Uint16Array', BF16: 'Uint16Array' }[dtype];
  if (!(ArrayBuffer.isView(data) && data[Symbol.toStringTag] === expected)) {
    throw mismatch('GRADSIFT_DTYPE', `${at}: data`, `a ${expected} for ${dtype}`, data);
  }
  if (data.byteLength !== bytes) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${at}: [${shape.join(', ')}] does not hold the ${data.length} numbers given`,
    );
  }
}
