// The header of a safetensors file that we write: read-safetensors.ts and safetensors.ts have the other direction.
import { mismatch, requireOneOf, show } from '../errors.js';
import { ELEMENT_BYTES } from './layers.js';
import type { StoredDtype } from './store.js';

/** A tensor to be written. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
}

/** A tensor and where its first byte will be, counted from the end of the header. */
export interface PlacedEntry extends TensorEntry {
  readonly begin: number;
  readonly bytes: number;
}

export interface WrittenHeader {
  readonly header: Buffer;
  /** In the order of their bytes: wider elements first, so that every tensor is aligned for those who map the file. */
  readonly entries: readonly PlacedEntry[];
}

/**
 * The header, padded with spaces to 8 bytes, and the places of the tensors.
 * @throws GRADSIFT_ARGUMENT or GRADSIFT_SHAPE naming the tensor
 */
export function safetensorsHeader(
  tensors: readonly TensorEntry[],
  metadata: Readonly<Record<string, string>>,
): WrittenHeader {
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw mismatch('GRADSIFT_ARGUMENT', `metadata ${show(key)}`, 'a string', value);
  }
  for (const tensor of tensors) requireEntry(tensor);
  const inOrder = [...tensors].sort((a, b) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype]);
  let end = 0;
  const entries = inOrder.map((tensor): PlacedEntry => {
    const bytes = tensor.shape.reduce((product, length) => product * length, ELEMENT_BYTES[tensor.dtype]);
    const begin = end;
    end += bytes;
    return { ...tensor, begin, bytes };
  });
  const described = entries.map(({ name, dtype, shape, begin, bytes }) => {
    return [name, { dtype, shape, data_offsets: [begin, begin + bytes] }] as const;
  });
  // fromEntries defines own properties, whatever the name; a tensor called __proto__ is a tensor.
  const json = JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...described]));
  const length = Buffer.byteLength(json);
  const header = Buffer.alloc(8 + Math.ceil(length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  header.write(json, 8);
  return { header, entries };
}

function requireEntry({ name, dtype, shape }: TensorEntry): void {
  if (name === '__metadata__') throw mismatch('GRADSIFT_ARGUMENT', 'tensor', 'a name other than __metadata__', name);
  requireOneOf(`tensor ${show(name)}: dtype`, dtype, ['F32', 'F64', 'F16', 'BF16']);
  const sizes = Array.isArray(shape) && shape.every((length) => Number.isSafeInteger(length) && length >= 0);
  if (sizes && Number.isSafeInteger(shape.reduce((product, length) => product * length, 8))) return;
  const actual = Array.isArray(shape) ? `[${shape.join(', ')}]` : shape;
  throw mismatch('GRADSIFT_SHAPE', `tensor ${show(name)}: shape`, 'sizes >= 0 of a file that can be', actual);
}
