import type { AdamOptimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import { mismatch } from '../errors.js';
import { hasKernel, ownMemory, runKernel } from './ops/native.js';
import type { TensorFlow } from './tensorflow.js';

interface Moment {
  readonly originalName: string;
  readonly variable: Variable;
}

// What we use of tf.train.adam(), beyond what tfjs-core declares.
interface Adam {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly accBeta1: Variable;
  readonly accBeta2: Variable;
  readonly accumulatedFirstMoment: Moment[];
  readonly accumulatedSecondMoment: Moment[];
  incrementIterations(): void;
}

type Gradients = Parameters<AdamOptimizer['applyGradients']>[0];

const NUMBERS = ['learningRate', 'beta1', 'beta2', 'epsilon'] as const;
const MOMENTS = ['accumulatedFirstMoment', 'accumulatedSecondMoment'] as const;
const POWERS = ['accBeta1', 'accBeta2'] as const;

/** Throws unless tf.train.adam() looks as we know it inside. */
export function probeAdam(tf: TensorFlow): void {
  const optimizer = tf.train.adam(0.5);
  const found = optimizer as unknown as Record<string, unknown>;
  const require = (name: string, expected: string, accept: (value: unknown) => boolean) => {
    if (!accept(found[name])) throw mismatch('GRADSIFT_ARGUMENT', `tf.train.adam().${name}`, expected, found[name]);
  };
  for (const name of NUMBERS) require(name, 'a number', (value) => typeof value === 'number');
  for (const name of MOMENTS) require(name, 'an array', Array.isArray);
  for (const name of POWERS) require(name, 'a variable', (value) => value instanceof tf.Variable);
  for (const name of ['applyGradients', 'incrementIterations']) {
    require(name, 'a function', (value) => typeof value === 'function');
  }
  optimizer.dispose();
}

/** The moment of the i-th variable, zero at first, where the optimizer keeps and saves it. */
function momentOf(tf: TensorFlow, moments: Moment[], i: number, name: string, like: Variable): Variable {
  moments[i] ??= { originalName: name, variable: tf.tidy(() => tf.variable(tf.zerosLike(like), false)) };
  return moments[i].variable;
}

/** 1 / (1 - beta^t), in float32 as tf has it. */
const correction = (power: Variable): number => 1 / Math.fround(1 - (power.dataSync()[0] as number));

/** Our step in place of the stock one, for as many backends as are accelerated. */
interface Installed {
  readonly stock: ApplyGradients;
  backends: number;
}
const INSTALLED = Symbol.for('gradsift/tfjs/adam');
interface ApplyGradients {
  (this: AdamOptimizer, gradients: Gradients): void;
  readonly [INSTALLED]?: Installed;
}

/**
 * Lets tf.train.adam(), which model.fit uses, take its steps in one native pass over memory each, by the same
 * equations; returns what undoes it.
 */
export function installAdam(tf: TensorFlow): () => void {
  const prototype = tf.AdamOptimizer.prototype as unknown as { applyGradients: ApplyGradients };
  const present = prototype.applyGradients;
  const installed = present[INSTALLED] ?? { stock: present, backends: 0 };
  installed.backends += 1;
  if (installed.backends === 1) {
    const applyGradients = function (this: AdamOptimizer, gradients: Gradients): void {
      if (hasKernel(tf, 'GradsiftAdam')) step(tf, this as unknown as Adam, gradients);
      else installed.stock.call(this, gradients);
    };
    prototype.applyGradients = Object.assign(applyGradients, { [INSTALLED]: installed });
  }
  return () => {
    installed.backends -= 1;
    if (installed.backends === 0) prototype.applyGradients = installed.stock;
  };
}

function step(tf: TensorFlow, adam: Adam, gradients: Gradients): void {
  const named: readonly (readonly [string, Tensor | null | undefined])[] = Array.isArray(gradients)
    ? gradients.map(({ name, tensor }) => [name, tensor] as const)
    : Object.entries(gradients);
  const { learningRate, beta1, beta2, epsilon } = adam;
  const corrections = { correction1: correction(adam.accBeta1), correction2: correction(adam.accBeta2) };
  const constants = { ...corrections, beta1, beta2, learningRate, epsilon, weightDecay: 0 };
  for (const [i, [name, g]] of named.entries()) {
    const p = tf.engine().registeredVariables[name] as Variable;
    const m = momentOf(tf, adam.accumulatedFirstMoment, i, `${name}/m`, p);
    const v = momentOf(tf, adam.accumulatedSecondMoment, i, `${name}/v`, p);
    if (g === null || g === undefined) continue;
    for (const written of [p, m, v]) ownMemory(tf, written);
    runKernel(tf, 'GradsiftAdam', { p, g, m, v }, constants);
  }
  tf.tidy(() => {
    adam.accBeta1.assign(tf.mul<Scalar>(adam.accBeta1, beta1));
    adam.accBeta2.assign(tf.mul<Scalar>(adam.accBeta2, beta2));
  });
  adam.incrementIterations();
}
