import type { FactoredLayer } from './factored.js';
import type { LayerSelection } from './layers.js';

/** Gradients of a batch, sample by sample, in factored form: plain typed arrays, nothing of the framework is held. */
export interface CapturedGradients {
  readonly samples: number;
  /** The loss of each sample. */
  readonly losses: Float32Array;
  /** One for each of the chosen weights, in the order of the model's. */
  readonly layers: readonly FactoredLayer[];
}

/** Which weights: by globs on their names (`layers`, `exclude`); default all that are trained. */
export type CaptureOptions = LayerSelection;
