import type { GradientStore, LayerInfo } from '../../lib/gradients/store.js';

export function layerNamed(store: GradientStore, name: string): LayerInfo {
  const layer = store.layers.find((candidate) => candidate.name === name);
  if (!layer) throw new Error(`no layer ${name}`);
  return layer;
}

/** Bytes of all rows of one layer as numbers of its own width (4 for F32, F16, BF16; 8 for F64), for comparing bits. */
export async function layerBytes(store: GradientStore, name: string, blockSamples = Infinity): Promise<Buffer> {
  const layer = layerNamed(store, name);
  const parts: Buffer[] = [];
  const options = { blockSamples: Math.min(blockSamples, layer.samples) };
  for await (const { start, samples, rows } of store.blocks(layer, options)) {
    if (rows.length !== samples * layer.r * layer.d) throw new Error(`block at ${start}: ${rows.length} numbers`);
    parts.push(Buffer.from(rows.buffer.slice(rows.byteOffset, rows.byteOffset + rows.byteLength) as ArrayBuffer));
  }
  return Buffer.concat(parts);
}
