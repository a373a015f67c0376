import * as gradients from '../gradients/gradient-source.js';
import type { LayerSelection } from '../gradients/layers.js';
import { requireBatch } from './capture/batch.js';
import { captureGradients } from './capture/capture-gradients.js';
import type { JaxArray } from './jax.js';
import type { Batch, Model } from './model.js';

/** Samples that are made when they are needed. */
export type Dataset = gradients.Dataset<Batch>;

/** All samples as two arrays, which stay the caller's, or a {@link Dataset}. */
export type Data = Batch | Dataset;

/** The gradients of data. @throws GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE naming what is wrong */
export function gradientSource(
  name: string,
  data: Data,
  model: Model,
  selection: LayerSelection,
): gradients.GradientSource {
  const slice = (array: JaxArray, start: number, count: number) => array.ref.slice([start, start + count]);
  return gradients.gradientSource<Batch>(name, data, {
    samplesOf: (batch) => requireBatch(model, batch),
    slice: ({ inputs, targets }, start, count) => ({
      inputs: slice(inputs, start, count),
      targets: slice(targets, start, count),
    }),
    dispose(batch) {
      for (const array of Object.values<JaxArray | undefined>({ ...batch })) {
        if (array !== undefined && array.refCount > 0) array.dispose();
      }
    },
    capture: (batch) => captureGradients(model, batch, selection),
  });
}
