import type { CapturedGradients, CaptureOptions } from '../../gradients/captured-gradients.js';
import { requireFactored, type FactoredLayer, type FactoredTerm } from '../../gradients/factored.js';
import type { Batch, Model } from '../model.js';
import { requireModel } from './batch.js';
import { compiled, lending } from './compiled.js';
import { captureProgram } from './program.js';

type Values = Float32Array | Int32Array;

/**
 * Gradients of the loss of every sample of a batch, for the chosen weights, in one forward and one backward pass. They
 * come as factors: g_i = sum_t left_t' right_t, out of what entered each layer and the gradient of what left it.
 * factoredNorms, factoredDots, factoredGram, factoredGfim and domainGradients work on them as they are; factoredRows
 * forms them, [samples, r, d].
 *
 * The pass runs in jax-js, single-threaded in Node and in float32, as one compiled program; its results are copied out.
 * The first call with new shapes compiles. Weights and batch stay the caller's: nothing is consumed.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT for disposed arrays, a weight that is used outside {@link dense} and its
 *   like, an index that an embedding does not have; GRADSIFT_SHAPE for losses that are not one a sample;
 *   GRADSIFT_DTYPE
 */
export function captureGradients(model: Model, batch: Batch, options: CaptureOptions = {}): CapturedGradients {
  const { samples, names } = requireModel(model, batch, options);
  const lent = [...Object.values(model.weights), batch.inputs, batch.targets];
  const { arrays, terms } = lending(lent, () =>
    compiled('factors', model, names, batch, () => captureProgram(model, names, samples)).run(model.weights, batch),
  );
  const [losses, ...values] = arrays.map((array) => array.dataSync() as Values) as [Float32Array, ...Values[]];
  const valuesOf = (place: number) => values[place - 1] as Values;
  const layers = [...names].map((name): FactoredLayer => {
    const own = terms.filter((term) => term.name === name);
    const { r, d } = own[0] as (typeof own)[number];
    const factors = own.map(({ positions, left, right }): FactoredTerm => {
      const first = left === null ? new Int32Array(samples) : valuesOf(left);
      return { positions, left: first, right: valuesOf(right) as Float32Array };
    });
    const layer = { name, samples, r, d, terms: factors };
    requireFactored(layer);
    return layer;
  });
  return { samples, losses, layers };
}
