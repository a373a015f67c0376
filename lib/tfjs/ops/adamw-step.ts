import type { Tensor, Variable } from '@tensorflow/tfjs';
import { requireInteger, requireNumber } from '../../errors.js';
import type { TensorFlow } from '../tensorflow.js';
import { requireTensor } from './inputs.js';
import { hasKernel, ownMemory, runKernel } from './native.js';

/** One step of {@link adamwStep}: the variable, its gradient and moments, and the constants. */
export interface AdamwStep {
  /** The parameters; updated. */
  readonly variable: Variable;
  /** Of the shape of the variable. */
  readonly gradient: Tensor;
  /** The running mean of the gradient; zero at first; updated. */
  readonly firstMoment: Variable;
  /** The running mean of its square; zero at first; updated. */
  readonly secondMoment: Variable;
  /** Steps done, this one included: 1 at first. */
  readonly step: number;
  /** >= 0. */
  readonly learningRate: number;
  /** In [0, 1); default 0.9. */
  readonly beta1?: number;
  /** In [0, 1); default 0.999. */
  readonly beta2?: number;
  /** > 0; default 1e-8. */
  readonly epsilon?: number;
  /** >= 0; default 0. Each step takes learningRate x weightDecay of the parameters away. */
  readonly weightDecay?: number;
}

type Constants = {
  readonly [Name in 'beta1' | 'beta2' | 'epsilon' | 'weightDecay']?: number | undefined;
} & Pick<AdamwStep, 'learningRate'>;

/** Throws unless the constants of {@link adamwStep} are in their ranges. */
export function requireConstants(constants: Constants): void {
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = constants;
  requireNumber('learningRate', learningRate, 'a number >= 0', (value) => value >= 0);
  requireNumber('beta1', beta1, 'a number in [0, 1)', (value) => value >= 0 && value < 1);
  requireNumber('beta2', beta2, 'a number in [0, 1)', (value) => value >= 0 && value < 1);
  requireNumber('epsilon', epsilon, 'a number > 0', (value) => value > 0);
  requireNumber('weightDecay', weightDecay, 'a number >= 0', (value) => value >= 0);
}

/**
 * A step of Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2; t = step):
 *
 *   m <- beta1 m + (1 - beta1) g
 *   v <- beta2 v + (1 - beta2) g^2
 *   p <- p - learningRate (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weightDecay p)
 *
 * In one native pass over memory where tf is accelerated, by tf's own ops elsewhere.
 *
 * @throws GradsiftError GRADSIFT_ARGUMENT, GRADSIFT_SHAPE or GRADSIFT_DTYPE, naming the argument
 */
export function adamwStep(tf: TensorFlow, options: AdamwStep): void {
  const { variable: p, gradient: g, firstMoment: m, secondMoment: v, step, learningRate } = options;
  requireConstants(options);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  requireTensor('variable', p);
  requireTensor('gradient', g, 'float32', p.shape);
  requireTensor('firstMoment', m, 'float32', p.shape);
  requireTensor('secondMoment', v, 'float32', p.shape);
  requireInteger('step', step, 1);
  if (hasKernel(tf, 'GradsiftAdam')) {
    for (const written of [p, m, v]) ownMemory(tf, written);
    const corrections = { correction1: 1 / (1 - beta1 ** step), correction2: 1 / (1 - beta2 ** step) };
    runKernel(tf, 'GradsiftAdam', { p, g, m, v }, { ...corrections, beta1, beta2, learningRate, epsilon, weightDecay });
    return;
  }
  tf.tidy(() => {
    m.assign(m.mul(beta1).add(g.mul(1 - beta1)));
    v.assign(v.mul(beta2).add(g.square().mul(1 - beta2)));
    const direction = m.div(1 - beta1 ** step).div(
      v
        .div(1 - beta2 ** step)
        .sqrt()
        .add(epsilon),
    );
    p.assign(p.sub(direction.add(p.mul(weightDecay)).mul(learningRate)));
  });
}
