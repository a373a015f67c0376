import type { Tensor } from '@tensorflow/tfjs';
import { requireNumber } from '../errors.js';
import type { Adamw } from './adamw.js';
import { requireBatch } from './capture/capture-gradients.js';
import type { Batch, Model } from './model.js';
import type { TensorFlow } from './tensorflow.js';

/** The mean loss of a batch, and its gradients by the names of the trainable weights. */
export interface LossAndGradients {
  readonly loss: number;
  /** Tensors of the caller. */
  readonly gradients: Readonly<Record<string, Tensor>>;
}

/**
 * The mean of the losses of a batch, and its gradients.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE naming what is wrong with the batch; Error
 *   of TensorFlow.js when the loss depends on no trainable weight
 */
export function lossAndGradients(model: Model, batch: Batch): LossAndGradients {
  requireBatch(batch);
  const { tf, weights } = model;
  const trained = Object.entries(weights).filter(([, weight]) => weight.trainable);
  const variables = trained.map(([, variable]) => variable);
  const { value, grads } = tf.variableGrads(() => tf.mean(model.losses(batch)), variables);
  const loss = value.dataSync()[0] as number;
  value.dispose();
  const named = trained.flatMap(([name, variable]) => {
    const gradient = grads[variable.name];
    return gradient === undefined ? [] : [[name, gradient] as const];
  });
  return { loss, gradients: Object.fromEntries(named) };
}

/** What {@link clipByGlobalNorm} returns. */
export interface Clipped {
  /** New tensors. */
  readonly gradients: Readonly<Record<string, Tensor>>;
  /** sqrt(sum ||g||^2) before clipping; NaN or infinity when a gradient holds one, and so will the result. */
  readonly norm: number;
}

/**
 * Gradients scaled together so that their norm is at most maxNorm: g min(1, maxNorm / norm), norm^2 = sum ||g||^2
 * (Pascanu et al. 2013, arXiv 1211.5063, section 3.2).
 *
 * @param maxNorm > 0
 * @throws GradsiftError GRADSIFT_ARGUMENT
 */
export function clipByGlobalNorm(
  tf: TensorFlow,
  gradients: Readonly<Record<string, Tensor>>,
  maxNorm: number,
): Clipped {
  requireNumber('maxNorm', maxNorm, 'a number > 0', (value) => value > 0);
  const entries = Object.entries(gradients);
  const norm = Math.sqrt(entries.reduce((sum, [, gradient]) => sum + squaredNorm(tf, gradient), 0));
  const scale = norm <= maxNorm ? 1 : maxNorm / norm;
  const scaled = entries.map(([name, gradient]) => [name, tf.mul(gradient, scale)] as const);
  return { gradients: Object.fromEntries(scaled), norm };
}

/** Rows in float32, their sums in float64: in one float32 sum the last rows of a large table would hardly count. */
function squaredNorm(tf: TensorFlow, gradient: Tensor): number {
  const rows = tf.tidy(() =>
    tf.sum(tf.reshape(tf.square(gradient), [-1, gradient.shape.at(-1) ?? 1]), 1).dataSync<'float32'>(),
  );
  return rows.reduce((sum, square) => sum + square, 0);
}

/** Options of {@link trainStep}. */
export interface TrainStepOptions {
  /** Default: the optimizer's. */
  readonly learningRate?: number | undefined;
  /** Clips the gradients to this global norm; default: they are left as they are. */
  readonly clipNorm?: number | undefined;
}

/** What a step of {@link trainStep} saw before it changed the weights. */
export interface TrainStep {
  /** The mean loss of the batch. */
  readonly loss: number;
  /** The global norm of the gradients, before clipping; undefined when they are not clipped. */
  readonly gradientNorm: number | undefined;
}

/**
 * One step of training: the gradients of the mean loss of a batch, clipped, given to the optimizer. Leaves no tensor
 * behind.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE
 */
export function trainStep(model: Model, optimizer: Adamw, batch: Batch, options: TrainStepOptions = {}): TrainStep {
  const { learningRate, clipNorm } = options;
  const { tf } = model;
  const { loss, gradients } = lossAndGradients(model, batch);
  try {
    if (clipNorm === undefined) {
      optimizer.step(gradients, { learningRate });
      return { loss, gradientNorm: undefined };
    }
    const clipped = clipByGlobalNorm(tf, gradients, clipNorm);
    optimizer.step(clipped.gradients, { learningRate });
    tf.dispose({ ...clipped.gradients });
    return { loss, gradientNorm: clipped.norm };
  } finally {
    tf.dispose({ ...gradients });
  }
}
