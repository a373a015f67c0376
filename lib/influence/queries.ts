// Query gradients of a layer: the mean validation gradient, or every validation gradient.
import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { nonFinite } from './layer-rows.js';
import type { Operations } from './operations.js';
import type { QueryMode } from './options.js';

export interface QueryOptions {
  readonly mode: QueryMode;
  readonly blockSamples: number;
  /** Validation samples that are left out. */
  readonly skip: ReadonlySet<number>;
  readonly onBlock: (samples: number) => void;
}

/** V: [1, r, d], the mean over the samples not left out, or [samples, r, d], left-out ones zero. In float64. */
export async function readQueries(
  val: GradientStore,
  layer: LayerInfo,
  ops: Operations,
  { mode, blockSamples, skip, onBlock }: QueryOptions,
): Promise<Float64Array> {
  const length = layer.r * layer.d;
  const { signal } = ops.settings;
  const v = new Float64Array((mode === 'mean' ? 1 : layer.samples) * length);
  const norms = new Float64Array(blockSamples);
  const weights = new Float64Array(blockSamples);
  const mean = 1 / (layer.samples - skip.size);
  for await (const { start, samples: count, rows } of val.blocks(layer, { blockSamples, signal })) {
    let clean = rows;
    if (skip.size === 0) {
      await ops.rowNorms(rows, count, length, norms);
      for (let i = 0; i < count; ++i)
        if (!Number.isFinite(norms[i])) throw nonFinite(val.source, layer.name, start + i);
    } else {
      clean = rows.slice();
      for (const sample of skip) {
        if (sample >= start && sample < start + count)
          clean.fill(0, (sample - start) * length, (sample - start + 1) * length);
      }
    }
    if (mode === 'mean') {
      weights.fill(mean);
      await ops.addWeightedRows(clean, weights, { count, length, queries: 1, weightStride: count, out: v });
    } else {
      for (let i = 0; i < count; ++i) {
        v.set(clean.subarray(i * length, (i + 1) * length), (start + i) * length);
        await ops.turn();
      }
    }
    onBlock(count);
  }
  return v;
}
