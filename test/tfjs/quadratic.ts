// Domains whose answer is known: l_i = 1/2 ||theta - c_i||^2, every sample of a domain alike.
import type { DrawnSample } from '../../lib/reweighting/mixture-sampler.js';
import type { Adamw } from '../../lib/tfjs/adamw.js';
import type { Model } from '../../lib/tfjs/model.js';
import { tf } from './tensorflow.js';

/** theta, with the loss 1/2 ||theta - c||^2 of a sample whose input is c. */
export function quadratic(theta: readonly number[]): Model & { theta(): number[]; dispose(): void } {
  const weight = tf.tidy(() => tf.variable(tf.tensor1d([...theta])));
  return {
    tf,
    weights: { theta: weight },
    losses: ({ inputs }) => tf.mul(tf.sum(tf.square(tf.sub(weight, inputs)), 1), 0.5),
    theta: () => [...weight.dataSync()],
    dispose: () => weight.dispose(),
  };
}

/** theta <- theta - rate gradient. */
export function sgd(model: Model, learningRate: number): Adamw {
  const optimizer: Adamw = {
    learningRate,
    stepsDone: 0,
    moments: {},
    step(gradients, { learningRate: rate = learningRate } = {}) {
      optimizer.stepsDone += 1;
      tf.tidy(() => {
        for (const [name, weight] of Object.entries(model.weights)) {
          weight.assign(tf.sub(weight, tf.mul(gradients[name] as never, rate)));
        }
      });
    },
    dispose: () => undefined,
  };
  return optimizer;
}

/** Batches of the centres of the samples' domains. */
export function centres(by: Readonly<Record<string, readonly number[]>>) {
  return (samples: readonly DrawnSample[]) => {
    const inputs = tf.tensor2d(samples.map(({ domain }) => [...(by[domain] as readonly number[])]));
    return { inputs, targets: tf.zeros([samples.length]) };
  };
}
