import { GradsiftError } from '../../errors.js';
import { requireLosses } from '../capture/capture-gradients.js';
import type { Batch, Model } from '../model.js';

/** The losses of a batch. */
export interface SeenLosses {
  readonly samples: number;
  /** Losses of a sample: its positions where tokens were looked at, else 1. */
  readonly positions: number;
  /** [samples][positions] */
  readonly values: Float32Array;
}

/**
 * The model, with somebody who looks at the losses of each batch on their way and may weigh its samples: what `look`
 * returns are factors of the samples, scaled here to a mean of 1. With `tokens`, losses are looked at token by token,
 * where the model offers them.
 */
export function observedModel(
  model: Model,
  look: (seen: SeenLosses) => readonly number[] | void,
  tokens = false,
): Model {
  const { tf, weights } = model;
  return {
    tf,
    weights,
    losses(batch) {
      const raw = tokens && model.tokenLosses ? requireTokenLosses(model.tokenLosses(batch)) : model.losses(batch);
      const losses = raw.rank === 2 ? tf.mean(raw, 1) : raw;
      const samples = batch.inputs.shape[0];
      requireLosses(losses, samples);
      const values = raw.dataSync<'float32'>().slice();
      const factors = look({ samples, positions: values.length / samples, values });
      if (!factors) return losses;
      // A batch of domains without weight says nothing: its factors stay 0.
      const mean = factors.reduce((sum, factor) => sum + factor, 0) / samples || 1;
      return tf.mul(
        losses,
        factors.map((factor) => factor / mean),
      );
    },
  };
}

/** The losses of a batch, without gradients. */
export function lossesOf(model: Model, batch: Batch, tokens: boolean): SeenLosses {
  let found: SeenLosses | undefined;
  const look = (seen: SeenLosses) => void (found = seen);
  model.tf.tidy(() => void observedModel(model, look, tokens).losses(batch));
  return found as unknown as SeenLosses;
}

function requireTokenLosses<T extends { readonly shape: number[] }>(losses: T): T {
  if (losses.shape.length === 2) return losses;
  throw new GradsiftError(
    'GRADSIFT_SHAPE',
    `model.tokenLosses: expected a loss for each token, [samples, positions], got [${losses.shape.join(', ')}]`,
  );
}
