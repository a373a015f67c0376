import { mismatch } from '../errors.js';
import { replaceFile } from './replace-file.js';

/** Data starts at a multiple of this, as NumPy writes it, so that others may map it. */
const ALIGNMENT = 64;

/**
 * Writes one array as .npy (version 1.0, little-endian, C order), replacing the file as a whole.
 * @throws GRADSIFT_SHAPE when data does not fill the shape; GRADSIFT_IO
 */
export async function writeNpy(
  path: string,
  data: Float32Array | Float64Array | BigInt64Array,
  shape: readonly number[],
  signal?: AbortSignal,
): Promise<void> {
  const sizes = shape.every((length) => Number.isSafeInteger(length) && length >= 0);
  const size = sizes ? shape.reduce((product, length) => product * length, 1) : Number.NaN;
  if (!(size === data.length))
    throw mismatch('GRADSIFT_SHAPE', 'data', `${size} numbers for [${shape.join(', ')}]`, data);
  // By tag: an array of another realm is as good.
  const kind = data[Symbol.toStringTag] === 'BigInt64Array' ? 'i' : 'f';
  await replaceFile(path, [npyHeader(shape, data.BYTES_PER_ELEMENT, kind), data], signal);
}

/** The header of floating-point numbers, or of signed integers, of the same length for any two sizes below 10^20. */
export function npyHeader(shape: readonly number[], elementBytes: number, kind: 'f' | 'i' = 'f'): Buffer {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '<${kind}${elementBytes}', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const headerEnd = Math.ceil((10 + dict.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(headerEnd, ' ');
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  header.writeUInt16LE(headerEnd - 10, 8);
  header.write(dict, 10, 'latin1');
  header[headerEnd - 1] = 0x0a;
  return header;
}
