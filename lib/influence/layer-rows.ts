// The rows of one layer, pass after pass: read again each time, or read once and kept. Samples that are left out are
// handed on as zeros, which add nothing to any sum.
import { GradsiftError, show } from '../errors.js';
import type { GradientStore, LayerInfo, RowBlock } from '../gradients/store.js';
import type { Operations } from './operations.js';

/** A sample that holds NaN or infinity, and the first layer in which it does. */
export interface SkippedSample {
  /** Name of the store it lies in. */
  readonly store: string;
  readonly sample: number;
  readonly layer: string;
}

export interface LayerRows {
  readonly layer: LayerInfo;
  /** Times the rows were read from the store. */
  reads(): number;
  /** Starts to read rows that will be kept; nothing for others. An error shows in the first pass. */
  readAhead(): void;
  /** One pass, in order of samples. */
  forEachBlock(visit: (block: RowBlock) => Promise<void> | void): Promise<void>;
  close(): Promise<void>;
}

export interface LayerRowsOptions {
  readonly blockSamples: number;
  readonly skip: ReadonlySet<number> | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called in the first pass over rows that are kept, once they are there. */
  readonly onKept?: (() => void) | undefined;
}

/** Rows of a layer; kept in memory from the first pass to close() when one block holds them all. */
export function openLayerRows(store: GradientStore, layer: LayerInfo, options: LayerRowsOptions): LayerRows {
  const { blockSamples, skip, signal, onKept } = options;
  const keep = blockSamples >= layer.samples;
  let iterator: AsyncIterator<RowBlock> | undefined;
  let kept: Promise<RowBlock> | undefined;
  let announced = false;
  let reads = 0;

  const clean = withZeros(layer, skip);
  async function readAgain(visit: (block: RowBlock) => Promise<void> | void): Promise<void> {
    ++reads;
    for await (const block of store.blocks(layer, { blockSamples, signal })) await visit(clean(block));
  }

  async function readOnce(): Promise<RowBlock> {
    ++reads;
    iterator = store.blocks(layer, { blockSamples, signal });
    const next = await iterator.next();
    if (next.done === true)
      throw new GradsiftError('GRADSIFT_IO', `${store.source}: layer ${show(layer.name)} has no rows`);
    return clean(next.value);
  }

  return {
    layer,
    reads: () => reads,
    readAhead() {
      if (keep) (kept ??= readOnce()).catch(() => undefined); // reported where it is awaited
    },
    async forEachBlock(visit) {
      if (!keep) return readAgain(visit);
      const block = await (kept ??= readOnce());
      signal?.throwIfAborted();
      if (!announced) onKept?.();
      announced = true;
      await visit(block);
    },
    async close() {
      kept = undefined;
      await iterator?.return?.();
    },
  };
}

/** Blocks with the rows of the left-out samples zeroed, in a copy: the store's memory is not ours to write to. */
function withZeros(layer: LayerInfo, skip: ReadonlySet<number> | undefined): (block: RowBlock) => RowBlock {
  if (skip === undefined || skip.size === 0) return (block) => block;
  const left = [...skip].sort((a, b) => a - b);
  const length = layer.r * layer.d;
  return (block) => {
    const inside = left.filter((sample) => sample >= block.start && sample < block.start + block.samples);
    if (inside.length === 0) return block;
    const rows = block.rows.slice();
    for (const sample of inside) rows.fill(0, (sample - block.start) * length, (sample - block.start + 1) * length);
    return { ...block, rows };
  };
}

/** The error that names the first bad number: file, layer, sample. */
export function nonFinite(source: string, layer: string, sample: number): GradsiftError {
  return new GradsiftError(
    'GRADSIFT_NON_FINITE',
    `${source}: layer ${show(layer)}, sample ${sample}: holds NaN or infinity ` +
      "(onNonFinite 'skip' leaves such samples out)",
  );
}

/** One pass over all layers that lists the samples with NaN or infinity. */
export async function auditStore(
  store: GradientStore,
  layers: readonly LayerInfo[],
  blockSamplesOf: (layer: LayerInfo) => number,
  ops: Operations,
  onBlock: (layer: LayerInfo, samples: number) => void,
): Promise<SkippedSample[]> {
  const { signal } = ops.settings;
  const found = new Map<number, SkippedSample>();
  for (const layer of layers) {
    const blockSamples = blockSamplesOf(layer);
    const norms = new Float64Array(Math.min(blockSamples, layer.samples));
    for await (const block of store.blocks(layer, { blockSamples, signal })) {
      await ops.rowNorms(block.rows, block.samples, layer.r * layer.d, norms);
      for (let i = 0; i < block.samples; ++i) {
        const sample = block.start + i;
        if (Number.isFinite(norms[i]) || found.has(sample)) continue;
        found.set(sample, { store: store.source, sample, layer: layer.name });
      }
      onBlock(layer, block.samples);
    }
  }
  return [...found.values()].sort((a, b) => a.sample - b.sample);
}
