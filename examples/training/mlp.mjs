import * as tf from '@tensorflow/tfjs';
import { dense, softmaxCrossEntropy } from 'gradsift/tfjs';
import { uniform } from '../digits/random.mjs';

const variable = (values, shape) => tf.tidy(() => tf.variable(tf.tensor(values, shape)));

/** A classifier of the given widths with ReLU between its layers, as gradsift/tfjs takes models; and its logits. */
export function mlp(widths, random) {
  const weights = {};
  widths.slice(1).forEach((out, l) => {
    const bound = Math.sqrt(6 / widths[l]); // He initialisation, for ReLU
    weights[`${l}.weight`] = variable(uniform(random, widths[l] * out, bound), [widths[l], out]);
    weights[`${l}.bias`] = variable(new Float32Array(out), [out]);
  });
  function logits(x) {
    for (let l = 0; l < widths.length - 1; ++l) {
      x = dense(tf, l === 0 ? x : tf.relu(x), weights[`${l}.weight`], weights[`${l}.bias`]);
    }
    return x;
  }
  return { tf, weights, logits, losses: ({ inputs, targets }) => softmaxCrossEntropy(tf, logits(inputs), targets) };
}

/** The share of samples whose label has the largest logit. */
export function accuracy({ logits }, { inputs, targets }) {
  return tf.tidy(() => logits(inputs).argMax(1).equal(targets).mean().dataSync()[0]);
}

/** The loss of each sample. */
export function losses(model, batch) {
  return tf.tidy(() => model.losses(batch).dataSync());
}
