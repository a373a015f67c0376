import type { LayerSelection } from '../gradients/layers.js';
import { factoredInfluence, type FactoredInfluenceOptions } from '../influence/factored-influence.js';
import type { InfluenceResult } from '../influence/result.js';
import { gradientSource, type Data } from './dataset.js';
import type { Model } from './model.js';

/** Options of {@link influenceFromModel}: those of influence where the names are the same. */
export interface InfluenceFromModelOptions extends FactoredInfluenceOptions, LayerSelection {
  readonly model: Model;
  /** Samples to score, and to form the curvature from. */
  readonly train: Data;
  /** Samples whose mean loss is explained. */
  readonly val: Data;
}

/**
 * Scores every training sample by its influence on the mean validation loss, from the model itself: no file, and no
 * gradient of a sample is ever formed.
 *
 *   score(i) = - sum_l < v_l A_l^-1, g_{i,l} >_F      (hyperinf: A_l = (1/n) sum_i g_i' g_i + lambda_l I)
 *
 * The factors of the training gradients are kept within `memoryBytes`; beyond it, each pass computes them again. They
 * and their products are float32, the curvature and its inverse float64.
 *
 * @returns as influence does: scores and, for each layer, what they rest on. Positive scores are harmful
 * @throws GradsiftError as captureGradients; GRADSIFT_ARGUMENT naming the option; GRADSIFT_NON_FINITE naming layer and
 *   sample; the reason of `signal` when aborted
 */
export async function influenceFromModel(options: InfluenceFromModelOptions): Promise<InfluenceResult> {
  const { model, train, val, layers, exclude, ...rest } = options;
  const source = (name: string, data: Data) => gradientSource(name, data, model, { layers, exclude });
  return factoredInfluence(source('train', train), source('val', val), rest);
}
