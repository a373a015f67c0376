import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { startGram, type Curvature, type LayerCurvature } from './curvature.js';
import { auditStore, nonFinite, openLayerRows } from './layer-rows.js';
import { createOperations, type Operations } from './operations.js';
import {
  checkCurvatureOptions,
  checkRunOptions,
  type CurvatureConfig,
  type CurvatureOptions,
  type RunConfig,
  type RunOptions,
} from './options.js';
import { blockSamplesWithin, elementBytes, tileSamples, type TileNeeds } from './plan.js';

/** Options of {@link fit}. */
export interface FitOptions extends CurvatureOptions, RunOptions {}

/**
 * Forms the generalised Fisher information matrix of every layer from per-sample gradients, in one pass:
 *
 *     G_l = (1/n) sum_i g_i' g_i   (side 'columns', d x d)   or   (1/n) sum_i g_i g_i'   (side 'rows', r x r)
 *
 * @returns plain data: reuse it with {@link precondition} for any damping and any number of queries, keep it with
 *   {@link saveCurvature}. All matrices are in memory at once (8 d^2 bytes a layer); `influence` keeps only one
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_NON_FINITE (naming file, layer and sample), GRADSIFT_MEMORY,
 * GRADSIFT_IO
 */
export async function fit(train: GradientStore, options: FitOptions = {}): Promise<Curvature> {
  const shape = checkCurvatureOptions(options);
  const run = checkRunOptions(options);
  const ops = createOperations(run);
  const blocks = (layer: LayerInfo) => streamedBlock(train, layer, { gfim: shape.side }, run.memoryBytes);
  const progress = byteCounter(run, train.layers, run.onNonFinite === 'skip' ? 2 : 1);
  const skipped =
    run.onNonFinite === 'skip'
      ? await auditStore(train, train.layers, blocks, ops, (layer, samples) => progress('audit', layer, samples))
      : [];
  const skip = new Set(skipped.map(({ sample }) => sample));
  const layers: LayerCurvature[] = [];
  for (const layer of train.layers) {
    const rows = openLayerRows(train, layer, { blockSamples: blocks(layer), skip, signal: run.signal });
    layers.push(
      await fitLayer(train.source, rows, ops, shape, skip.size, (samples) => progress('fit', layer, samples)),
    );
    await rows.close();
  }
  return { kind: 'gfim', ...shape, samples: train.samples - skip.size, layers };
}

/** Samples a block for passes whose rows are not kept: as large as the budget allows. */
export function streamedBlock(store: GradientStore, layer: LayerInfo, needs: TileNeeds, memoryBytes: number): number {
  return blockSamplesWithin(store, layer, needs, memoryBytes) ?? Math.min(layer.samples, tileSamples(layer, needs));
}

type Count = (phase: 'audit' | 'queries' | 'fit' | 'score', layer: LayerInfo, samples: number) => void;

/** Reports progress over `passes` passes of the layers. */
export function byteCounter({ onProgress }: RunConfig, layers: readonly LayerInfo[], passes: number): Count {
  const size = ({ r, d, ...layer }: LayerInfo, samples: number) => samples * r * d * elementBytes({ r, d, ...layer });
  const totalBytes = passes * layers.reduce((sum, layer) => sum + size(layer, layer.samples), 0);
  let doneBytes = 0;
  return (phase, layer, samples) => {
    doneBytes += size(layer, samples);
    onProgress?.({ phase, layer: layer.name, doneBytes, totalBytes });
  };
}

async function fitLayer(
  source: string,
  rows: ReturnType<typeof openLayerRows>,
  ops: Operations,
  shape: CurvatureConfig,
  skipped: number,
  onBlock: (samples: number) => void,
): Promise<LayerCurvature> {
  const { name, samples, r, d } = rows.layer;
  const fitSamples = samples - skipped;
  const { size, matrix, visitor } = startGram({ ...shape, r, d, fitSamples }, ops);
  const norms = new Float64Array(samples);
  await rows.forEachBlock(async (block) => {
    await ops.rowNorms(block.rows, block.samples, r * d, norms.subarray(block.start, block.start + block.samples));
    for (let i = block.start; i < block.start + block.samples; ++i) {
      if (!Number.isFinite(norms[i])) throw nonFinite(source, name, i);
    }
    await visitor.visit(block);
    onBlock(block.samples);
  });
  let sumSquares = 0;
  for (let i = 0; i < samples; ++i) sumSquares += norms[i] as number;
  return { name, r, d, size, matrix, samples: fitSamples, sumSquares };
}
