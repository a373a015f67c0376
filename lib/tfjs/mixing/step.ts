// One training step of the loops, in its parts.
import type { DomainNumbers } from '../../reweighting/domains.js';
import type { DrawnSample } from '../../reweighting/mixture-sampler.js';
import { mismatch } from '../../errors.js';
import { requireBatch } from '../capture/capture-gradients.js';
import type { Batch } from '../model.js';
import { clipByGlobalNorm, lossAndGradients } from '../train-step.js';
import type { Gradients } from './gradient-products.js';
import { observedModel, type SeenLosses } from './observed-model.js';
import { requireFinite, type MixtureRunOptions, type MixtureRunState } from './run.js';

/** Makes the batch of some samples, and frees it after its use. */
export function withBatch<T>(
  { model: { tf }, batch }: MixtureRunOptions,
  samples: readonly DrawnSample[],
  use: (batch: Batch) => T,
): T {
  const made = tf.tidy(() => batch(samples) as never) as Batch;
  try {
    const count = requireBatch(made);
    if (count !== samples.length) throw mismatch('GRADSIFT_SHAPE', 'batch', `${samples.length} samples`, count);
    return use(made);
  } finally {
    tf.dispose({ ...made });
  }
}

/** Losses of a batch, and the gradients of their mean. */
export interface Measured {
  readonly loss: number;
  /** Of each sample. */
  readonly losses: Float32Array;
  /** Tensors of the caller. */
  readonly gradients: Gradients;
}

/** @throws GRADSIFT_NON_FINITE for a loss that is NaN or infinite */
export function measure(options: MixtureRunOptions, samples: readonly DrawnSample[]): Measured {
  const { model } = options;
  let seen: SeenLosses | undefined;
  const observed = observedModel(model, (losses) => void (seen = losses));
  const { loss, gradients } = withBatch(options, samples, (batch) => lossAndGradients(observed, batch));
  if (!Number.isFinite(loss)) model.tf.dispose({ ...gradients });
  requireFinite(`loss of ${[...new Set(samples.map(({ domain }) => domain))].join(', ')}`, loss);
  return { loss, losses: (seen as unknown as SeenLosses).values, gradients };
}

/** Gives the gradients to the optimizer, clipped, and frees them; returns their norm where it was taken. */
export function descend(
  { model: { tf }, optimizer, clipNorm }: MixtureRunOptions,
  gradients: Gradients,
  learningRate: number,
): number | undefined {
  try {
    if (clipNorm === undefined) {
      optimizer.step(gradients, { learningRate });
      return undefined;
    }
    const clipped = clipByGlobalNorm(tf, gradients, clipNorm);
    try {
      requireFinite('norm of the gradients', clipped.norm);
      optimizer.step(clipped.gradients, { learningRate });
    } finally {
      tf.dispose({ ...clipped.gradients });
    }
    return clipped.norm;
  } finally {
    tf.dispose({ ...gradients });
  }
}

export type LossSums = MixtureRunState['losses'];

/** Which domains of the rule a sample counts for: shares that sum to 1. */
export type Shares = (sample: DrawnSample) => readonly (readonly [domain: string, share: number])[];

const wholly: Shares = ({ domain }) => [[domain, 1]];

/** Adds the losses of samples to the sums of their domains. */
export function addLosses(
  sums: LossSums,
  samples: readonly DrawnSample[],
  losses: ArrayLike<number>,
  shares = wholly,
): LossSums {
  const added = new Map(Object.entries(sums));
  samples.forEach((sample, index) => {
    for (const [domain, share] of shares(sample)) {
      const { sum, samples: count } = added.get(domain) ?? { sum: 0, samples: 0 };
      added.set(domain, { sum: sum + share * (losses[index] as number), samples: count + share });
    }
  });
  return Object.fromEntries(added);
}

export function meanLosses(sums: LossSums): DomainNumbers {
  return Object.fromEntries(Object.entries(sums).map(([domain, { sum, samples }]) => [domain, sum / samples]));
}
