import type { Tensor, Variable } from '@tensorflow/tfjs';
import { GradsiftError, requireInteger, show } from '../errors.js';
import { adamwStep, requireConstants } from './ops/adamw-step.js';
import type { TensorFlow } from './tensorflow.js';

/** Constants of {@link adamw}. */
export interface AdamwOptions {
  /** Of a step that is given none; >= 0. */
  readonly learningRate: number;
  /** In [0, 1); default 0.9. */
  readonly beta1?: number | undefined;
  /** In [0, 1); default 0.999. */
  readonly beta2?: number | undefined;
  /** > 0; default 1e-8. */
  readonly epsilon?: number | undefined;
  /** >= 0; default 0.01. Each step takes learningRate x weightDecay of a weight away, whatever its gradient. */
  readonly weightDecay?: number | undefined;
  /** Which weights decay; default those of two dimensions or more: not biases, not the gains of norms. */
  readonly decays?: ((name: string, weight: Variable) => boolean) | undefined;
}

/** An optimizer with its state. */
export interface Adamw {
  /** Of a step that is given none. */
  readonly learningRate: number;
  /** Steps that the moments have seen; set it after a checkpoint was loaded into them. */
  stepsDone: number;
  /** "weight:firstMoment" and "weight:secondMoment" of each weight: what a checkpoint keeps besides the weights. */
  readonly moments: Readonly<Record<string, Variable>>;
  /** One step on every trainable weight; float32, as all of TensorFlow.js. */
  step(gradients: Readonly<Record<string, Tensor>>, options?: { readonly learningRate?: number | undefined }): void;
  /** Frees the moments. */
  dispose(): void;
}

/**
 * AdamW on named weights (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2): Adam's step, and beside it a
 * decay that is not scaled by the moments.
 *
 * @param weights by name; those that are not trainable are left alone
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the option or the weight
 */
export function adamw(tf: TensorFlow, weights: Readonly<Record<string, Variable>>, options: AdamwOptions): Adamw {
  const { weightDecay = 0.01, decays = (_name, weight) => weight.rank >= 2, ...constants } = options;
  requireConstants({ ...constants, weightDecay });
  let stepsDone = 0;
  const trained = Object.entries(weights).filter(([, weight]) => weight.trainable);
  const moments = Object.fromEntries(
    trained.flatMap(([name, weight]) =>
      ['firstMoment', 'secondMoment'].map((moment) => {
        return [`${name}:${moment}`, tf.tidy(() => tf.variable(tf.zeros(weight.shape), false))] as const;
      }),
    ),
  );
  return {
    learningRate: constants.learningRate,
    get stepsDone() {
      return stepsDone;
    },
    set stepsDone(done) {
      requireInteger('stepsDone', done, 0);
      stepsDone = done;
    },
    moments,
    step(gradients, { learningRate = constants.learningRate } = {}) {
      for (const [name] of trained) {
        if (gradients[name] === undefined) {
          throw new GradsiftError('GRADSIFT_ARGUMENT', `gradients: expected one of ${show(name)}, got none`);
        }
      }
      requireConstants({ learningRate });
      stepsDone += 1;
      for (const [name, variable] of trained) {
        adamwStep(tf, {
          variable,
          gradient: gradients[name] as Tensor,
          firstMoment: moments[`${name}:firstMoment`] as Variable,
          secondMoment: moments[`${name}:secondMoment`] as Variable,
          step: stepsDone,
          learningRate,
          weightDecay: decays(name, variable) ? weightDecay : 0,
          ...given(constants),
        });
      }
    },
    dispose: () => Object.values(moments).forEach((moment) => moment.dispose()),
  };
}

/** The constants that are not left to their defaults. */
function given({ beta1, beta2, epsilon }: Pick<AdamwOptions, 'beta1' | 'beta2' | 'epsilon'>) {
  return {
    ...(beta1 === undefined ? {} : { beta1 }),
    ...(beta2 === undefined ? {} : { beta2 }),
    ...(epsilon === undefined ? {} : { epsilon }),
  };
}
