import type { Tensor } from '@tensorflow/tfjs';
import * as gradients from '../gradients/gradient-source.js';
import type { LayerSelection } from '../gradients/layers.js';
import { captureGradients, requireBatch } from './capture/capture-gradients.js';
import type { Batch, Model } from './model.js';

/** Samples that are made when they are needed. */
export type Dataset = gradients.Dataset<Batch>;

/** All samples as two tensors, which stay the caller's, or a {@link Dataset}. */
export type Data = Batch | Dataset;

/** The gradients of data. @throws GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE naming what is wrong */
export function gradientSource(
  name: string,
  data: Data,
  model: Model,
  selection: LayerSelection,
): gradients.GradientSource {
  const { tf } = model;
  const slice = (tensor: Tensor, start: number, count: number) => tf.slice(tensor, [start], [count]);
  return gradients.gradientSource<Batch>(name, data, {
    samplesOf: requireBatch,
    slice: ({ inputs, targets }, start, count) => ({
      inputs: slice(inputs, start, count),
      targets: slice(targets, start, count),
    }),
    dispose: (batch) => tf.dispose({ ...batch }),
    capture: (batch) => captureGradients(model, batch, selection),
  });
}
