import { GradsiftError, mismatch, requireOneOf, show } from '../errors.js';
import { ELEMENT_BYTES } from './layers.js';
import { replaceFile } from './replace-file.js';
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
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw mismatch('GRADSIFT_ARGUMENT', `metadata ${show(key)}`, 'a string', value);
  }
  const entries = Object.entries(tensors);
  for (const [name, tensor] of entries) checkTensor(name, tensor);
  entries.sort(([, a], [, b]) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype]);
  let end = 0;
  const described = entries.map(([name, { dtype, shape, data }]) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  // fromEntries defines own properties, whatever the name; a tensor called __proto__ is a tensor.
  const json = JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...described]));
  const bytes = Buffer.byteLength(json);
  const header = Buffer.alloc(8 + Math.ceil(bytes / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  header.write(json, 8);
  await replaceFile(path, [header, ...entries.map(([, { data }]) => data)], signal);
}

function checkTensor(name: string, { dtype, shape, data }: Tensor): void {
  const at = `tensor ${show(name)}`;
  if (name === '__metadata__') throw mismatch('GRADSIFT_ARGUMENT', 'tensor', 'a name other than __metadata__', name);
  requireOneOf(`${at}: dtype`, dtype, ['F32', 'F64', 'F16', 'BF16']);
  const expected = { F32: 'Float32Array', F64: 'Float64Array', F16: 'Uint16Array', BF16: 'Uint16Array' }[dtype];
  if (!(ArrayBuffer.isView(data) && data[Symbol.toStringTag] === expected)) {
    throw mismatch('GRADSIFT_DTYPE', `${at}: data`, `a ${expected} for ${dtype}`, data);
  }
  const size = shape.every((length) => Number.isSafeInteger(length) && length >= 0)
    ? shape.reduce((product, length) => product * length, 1)
    : Number.NaN;
  if (!(size === data.length)) {
    throw new GradsiftError(
      'GRADSIFT_SHAPE',
      `${at}: [${shape.join(', ')}] does not hold the ${data.length} numbers given`,
    );
  }
}
