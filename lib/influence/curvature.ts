// The generalised Fisher information matrix of each layer, as plain data: formed once, reused for any number of
// queries.
//
//   G_l = (1/n) sum_i g_i' g_i      (side 'columns': d x d)      or      (1/n) sum_i g_i g_i'      (side 'rows': r x r)
//   lambda_l = c sum_i ||g_i||^2 / (n d r) = c trace(G_l) / (d r)
//
// HyperINF, arXiv 2410.05090, section 3; fisherScale '1/r' divides G_l by the length of the summed side (its lemma).
import type { RowBlock } from '../gradients/store.js';
import type { RowVisitor } from './estimator.js';
import type { Operations } from './operations.js';
import type { CurvatureConfig, Damping, FisherScale, GramPrecision, Side } from './options.js';

/** Curvature of one layer. */
export interface LayerCurvature {
  readonly name: string;
  readonly r: number;
  readonly d: number;
  /** Order of the matrix: d (side 'columns'), r ('rows'), r d (the full Fisher block). */
  readonly size: number;
  /** Row-major [size, size], exactly symmetric. */
  readonly matrix: Float64Array;
  /** Samples in the mean. */
  readonly samples: number;
  /** sum_i ||g_i||^2: lambda for any ratio follows from it. */
  readonly sumSquares: number;
}

/** Curvature of a model: what {@link fit} returns and {@link precondition} takes. */
export interface Curvature {
  readonly kind: 'gfim';
  readonly side: Side;
  readonly fisherScale: FisherScale;
  readonly gramPrecision: GramPrecision;
  /** Samples in the mean. */
  readonly samples: number;
  readonly layers: readonly LayerCurvature[];
}

/** What a matrix under construction needs to know. */
export interface GramShape extends CurvatureConfig {
  readonly r: number;
  readonly d: number;
  /** Samples in the mean. */
  readonly fitSamples: number;
}

export interface Gram {
  readonly size: number;
  readonly matrix: Float64Array;
  readonly visitor: RowVisitor;
}

/** Order of the matrix that a side keeps. */
export function keptSize(side: Side, r: number, d: number): number {
  return side === 'columns' ? d : r;
}

/** A matrix of zeros, and the visitor that adds the blocks of one pass to it. */
export function startGram(shape: GramShape, ops: Operations): Gram {
  const { r, d, side, fisherScale, fitSamples, gramPrecision } = shape;
  const size = keptSize(side, r, d);
  const summed = side === 'columns' ? r : d;
  const matrix = new Float64Array(size * size);
  const scale = 1 / (fitSamples * (fisherScale === '1/r' ? summed : 1));
  const visit = async ({ rows, samples }: RowBlock) => {
    await ops.addGfim(rows, { samples, r, d, side, scale, gramPrecision, out: matrix });
  };
  return { size, matrix, visitor: { over: 'fit', visit } };
}

/** lambda = damping, or c sum_i ||g_i||^2 / (n d r). */
export function dampingOf(
  { kind, value }: Damping,
  layer: Pick<LayerCurvature, 'r' | 'd' | 'samples' | 'sumSquares'>,
): number {
  return kind === 'absolute' ? value : (value * layer.sumSquares) / (layer.samples * layer.d * layer.r);
}
