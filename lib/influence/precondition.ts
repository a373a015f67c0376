import type { GradientStore, LayerInfo } from '../gradients/store.js';
import { dampingOf, type Curvature } from './curvature.js';
import { outcome, type LayerOutcome } from './estimator.js';
import { byteCounter, streamedBlock } from './fit.js';
import { isUsable, preconditionLayer } from './hyperinf.js';
import { auditStore } from './layer-rows.js';
import { findCurvature } from './match-layers.js';
import { createOperations } from './operations.js';
import {
  checkDamping,
  checkRunOptions,
  checkSolver,
  type DampingOptions,
  type QueryMode,
  type RunOptions,
  type SolverOptions,
} from './options.js';
import { readQueries } from './queries.js';
import { denseSolver } from './solve.js';
import { mismatch, requireOneOf } from '../errors.js';

/** Options of {@link precondition}. */
export interface PreconditionOptions extends DampingOptions, SolverOptions, RunOptions {
  /** 'mean' (default) or 'each': as in {@link InfluenceOptions}. */
  readonly queries?: QueryMode | undefined;
}

/** h = v (G + lambda I)^-1 of one layer, with its certificate. */
export interface PreconditionedLayer extends LayerOutcome {
  readonly name: string;
  readonly r: number;
  readonly d: number;
  /** [queries, r, d]; zeros where the status says that there is no usable solution. */
  readonly h: Float64Array;
}

/** Preconditioned query gradients: what {@link score} takes. */
export interface Preconditioned {
  readonly queries: readonly (string | number)[];
  readonly layers: readonly PreconditionedLayer[];
}

/**
 * Applies the inverse of the damped curvature to query gradients: h_l = v_l (G_l + lambda_l I)^-1 (side 'columns') or
 * (G_l + lambda_l I)^-1 v_l ('rows'), lambda_l = damping or dampingRatio x mean squared gradient entry.
 *
 * @param queries gradients of the validation samples
 * @returns h of each layer with the residual ||V - H A||_F / ||V||_F, recomputed in float64. A numerical failure is a
 *   status, never an exception
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE for layers that do not match, GRADSIFT_NON_FINITE,
 * GRADSIFT_IO
 */
export async function precondition(
  curvature: Curvature,
  queries: GradientStore,
  options: PreconditionOptions = {},
): Promise<Preconditioned> {
  const damping = checkDamping(options);
  const solve = checkSolver(options);
  const run = checkRunOptions(options);
  const mode = options.queries ?? 'mean';
  requireOneOf('queries', mode, ['mean', 'each']);
  if (solve.solver === 'woodbury')
    throw mismatch('GRADSIFT_ARGUMENT', 'solver', 'one that works on matrices', 'woodbury');
  const wanted = layersOf(curvature, queries);
  const ops = createOperations(run);
  const blocks = (layer: (typeof wanted)[number]) => streamedBlock(queries, layer, {}, run.memoryBytes);
  const audit = run.onNonFinite === 'skip';
  const progress = byteCounter(run, wanted, audit ? 2 : 1);
  const skipped = audit
    ? await auditStore(queries, wanted, blocks, ops, (layer, samples) => progress('audit', layer, samples))
    : [];
  const skip = new Set(skipped.map(({ sample }) => sample));
  const count = mode === 'mean' ? 1 : queries.samples;
  const layers: PreconditionedLayer[] = [];
  for (const layer of wanted) {
    const onBlock = (samples: number) => progress('queries', layer, samples);
    const v = await readQueries(queries, layer, ops, { mode, blockSamples: blocks(layer), skip, onBlock });
    const found = findCurvature(curvature, layer, queries.source);
    const lambda = dampingOf(damping, found) + solve.extraDamping;
    const { name, r, d } = layer;
    const { side, gramPrecision } = curvature;
    const summed = side === 'columns' ? r : d;
    const sizes = { n: found.size, rhs: count * summed, rows: found.samples * summed, summed, loaded: true };
    const { solver, why } = denseSolver(sizes, { damping, solve, gramPrecision });
    if (lambda === 0 && found.sumSquares === 0) {
      const reason = 'all gradients of the layer are zero, and so is its damping';
      layers.push({
        name,
        r,
        d,
        h: new Float64Array(v.length),
        ...outcome({ status: 'skipped', damping: 0, solver, why: reason }),
      });
      continue;
    }
    const { solution, ...certificate } = await preconditionLayer(
      ops,
      found,
      lambda,
      v,
      { queries: count, side, solver },
      solve,
    );
    const { status, steps, residual, lambdaMin, lambdaMax, muCutoff } = certificate;
    const h = isUsable(certificate) ? solution : new Float64Array(v.length);
    const record = outcome({
      status,
      damping: lambda,
      solver,
      why,
      steps,
      residual,
      lambdaMin,
      lambdaMax,
      muCutoff,
      gramPrecision,
    });
    layers.push({ name, r, d, h, ...record });
  }
  return { queries: queryNames(mode, queries.samples), layers };
}

/** The layers of the queries that the curvature knows. @throws GRADSIFT_SHAPE when one of the curvature's is missing */
function layersOf(curvature: Curvature, { layers, source }: GradientStore): LayerInfo[] {
  const missing = curvature.layers.find(({ name }) => !layers.some((layer) => layer.name === name));
  if (missing) {
    const expected = 'every layer of the curvature';
    throw mismatch('GRADSIFT_SHAPE', `${source}: layers`, expected, `none named ${missing.name}`);
  }
  return layers.filter(({ name }) => curvature.layers.some((layer) => layer.name === name));
}

/** ["mean"], or the index of every query. */
export function queryNames(mode: QueryMode, samples: number): readonly (string | number)[] {
  return mode === 'mean' ? ['mean'] : Array.from({ length: samples }, (_, index) => index);
}
