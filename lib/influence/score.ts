import { requireOneOf } from '../errors.js';
import { findLayer } from '../gradients/find-layer.js';
import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { byteCounter, streamedBlock } from './fit.js';
import { auditStore, nonFinite, openLayerRows, type SkippedSample } from './layer-rows.js';
import { createOperations } from './operations.js';
import { checkRunOptions, type Convention, type RunOptions } from './options.js';
import type { Preconditioned } from './precondition.js';

/** Options of {@link score}. */
export interface ScoreOptions extends RunOptions {
  /** 'loss-derivative' (default): positive is harmful. 'proponent': the opposite sign. */
  readonly convention?: Convention | undefined;
}

/** What {@link score} returns. */
export interface Scores {
  readonly convention: Convention;
  readonly queries: readonly (string | number)[];
  /** One list a query: a number for each sample, NaN for one that was skipped. */
  readonly scores: readonly Float64Array[];
  readonly skipped: readonly SkippedSample[];
}

/**
 * Scores samples against preconditioned queries in one pass: score(q, i) = - sum_l <h_{q,l}, g_{i,l}>_F.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE for layers that do not match, GRADSIFT_NON_FINITE,
 * GRADSIFT_IO
 */
export async function score(samples: GradientStore, h: Preconditioned, options: ScoreOptions = {}): Promise<Scores> {
  const { convention = 'loss-derivative' } = options;
  requireOneOf('convention', convention, ['loss-derivative', 'proponent']);
  const run = checkRunOptions(options);
  const ops = createOperations(run);
  const alpha = convention === 'proponent' ? 1 : -1;
  const wanted = h.layers.map((layer) => ({
    ...layer,
    info: findLayer(samples, infoOf(layer, samples), 'the queries'),
  }));
  const infos = wanted.map(({ info }) => info);
  const audit = run.onNonFinite === 'skip';
  const progress = byteCounter(run, infos, audit ? 2 : 1);
  const blocks = (layer: LayerInfo) => streamedBlock(samples, layer, {}, run.memoryBytes);
  const skipped = audit
    ? await auditStore(samples, infos, blocks, ops, (layer, count) => progress('audit', layer, count))
    : [];
  const skip = new Set(skipped.map(({ sample }) => sample));
  const queries = h.queries.length;
  const total = new Float64Array(queries * samples.samples);
  for (const { info, h: rows } of wanted) {
    const length = info.r * info.d;
    const open = openLayerRows(samples, info, { blockSamples: blocks(info), skip, signal: run.signal });
    await open.forEachBlock(async (block) => {
      const { start, samples: count } = block;
      const out = total.subarray(start);
      const dots = { count, length, queries, alpha, beta: 1, out, outStride: samples.samples };
      const norms = audit ? undefined : new Float64Array(count);
      await ops.rowDots(block.rows, rows, { ...dots, norms });
      const bad = norms?.findIndex((norm) => !Number.isFinite(norm)) ?? -1;
      if (bad >= 0) throw nonFinite(samples.source, info.name, start + bad);
      progress('score', info, count);
    });
    await open.close();
  }
  const scores = splitQueries(total, samples.samples);
  for (const list of scores) for (const sample of skip) list[sample] = NaN;
  return { convention, queries: h.queries, scores, skipped };
}

function infoOf({ name, r, d }: { name: string; r: number; d: number }, { samples }: GradientStore): LayerInfo {
  return { name, r, d, samples, dtype: 'F64' };
}

/** [queries, n] as one list a query, views of the same memory. */
export function splitQueries(all: Float64Array, n: number): Float64Array[] {
  return Array.from({ length: all.length / n }, (_, q) => all.subarray(q * n, (q + 1) * n));
}
