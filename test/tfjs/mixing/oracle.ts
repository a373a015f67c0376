// Gradients of domains, found without the loops.
import type { DrawnSample } from '../../../lib/reweighting/mixture-sampler.js';
import type { Batch, Model } from '../../../lib/tfjs/model.js';
import { lossAndGradients } from '../../../lib/tfjs/train-step.js';
import { tf } from '../tensorflow.js';

type MakeBatch = (samples: readonly DrawnSample[]) => Batch;

/** A batch function that keeps what it was asked for. */
export function recorded(make: MakeBatch): { readonly batch: MakeBatch; readonly calls: (readonly DrawnSample[])[] } {
  const calls: (readonly DrawnSample[])[] = [];
  return {
    calls,
    batch(samples) {
      calls.push(samples);
      return make(samples);
    },
  };
}

/** The gradient of the mean loss of some samples, all weights after one another. */
export function flatGradient(model: Model, make: MakeBatch, samples: readonly DrawnSample[]): number[] {
  const given = make(samples);
  const { gradients } = lossAndGradients(model, given);
  const flat = Object.values(gradients).flatMap((gradient) => [...gradient.dataSync<'float32'>()]);
  tf.dispose([given.inputs, given.targets, ...Object.values(gradients)]);
  return flat;
}

export const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, index) => sum + value * (b[index] as number), 0);

export const norm = (a: readonly number[]) => Math.sqrt(dot(a, a));
