// Safetensors files put together by hand, right or wrong, independently of the writer in lib/.

export interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The bytes of an array of numbers. */
export function bytesOf(array: Float32Array | Float64Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** A file with this header text, not padded, and these bytes of data. */
export function withHeader(header: string, data: Uint8Array = new Uint8Array(0)): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

/** A valid file: tensors end to end in the order given. `pad` spaces follow the header. */
export function safetensorsBytes(
  tensors: Readonly<Record<string, RawTensor>>,
  { pad = 0, metadata }: { pad?: number; metadata?: Readonly<Record<string, string>> } = {},
): Buffer {
  let end = 0;
  const described = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    return [name, { dtype, shape, data_offsets: [end, (end += bytes.length)] }] as [string, unknown];
  });
  if (metadata !== undefined) described.unshift(['__metadata__', metadata]);
  const header = Object.fromEntries(described);
  const data = Buffer.concat(Object.values(tensors).map(({ bytes }) => bytes));
  return withHeader(JSON.stringify(header) + ' '.repeat(pad), data);
}
