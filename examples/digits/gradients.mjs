// Per-sample LoRA gradients in closed form. For one sample, with the input x of a layer and the derivative delta of its
// loss by the layer's output y = W x + b + B A x, both gradients are outer products:
//
//     d loss / d A = (B' delta) x'        [rank, in]
//     d loss / d B = delta (A x)'         [out, rank], stored transposed as (A x) delta' [rank, out]
//
// so a batch needs one forward pass, and one backward pass for the deltas, whatever the number of samples.
import * as tf from '@tensorflow/tfjs';
import { CLASSES, PIXELS } from './data.mjs';
import { forward, RANK } from './model.mjs';

/** The derivative of each sample's loss by the outputs of each layer: one tensor [samples, out] a layer. */
function deltas(model, inputs, logits, labels) {
  let delta = tf.softmax(logits).sub(tf.oneHot(tf.tensor1d(labels, 'int32'), CLASSES));
  const all = [delta];
  for (let l = model.base.length - 1; l > 0; --l) {
    const { a, b } = model.adapters[l];
    const weight = model.base[l].weight.add(tf.matMul(b, a));
    // inputs[l] is the output of a ReLU: positive where the ReLU lets through.
    delta = tf.matMul(delta, weight).mul(tf.step(inputs[l]));
    all.unshift(delta);
  }
  return all;
}

/** left_i right_i' for every sample i: [samples, rank, width] from [samples, rank] and [samples, width]. */
function outerProducts(left, right) {
  const [samples, rank] = left.shape;
  const width = right.shape[1];
  const [u, v] = [left.dataSync(), right.dataSync()];
  const rows = new Float32Array(samples * rank * width);
  for (let i = 0, at = 0; i < samples; ++i) {
    for (let r = 0; r < rank; ++r) {
      const factor = u[i * rank + r];
      for (let k = 0; k < width; ++k) rows[at++] = factor * v[i * width + k];
    }
  }
  return rows;
}

/**
 * The gradients of all samples, as openGradients takes them:
 * `{ layers: { 'layers.0.lora_A': { rows: Float32Array, shape: [samples, rank, width] }, ... } }`.
 */
export function loraGradients(model, pixels, labels) {
  const samples = labels.length;
  const layers = {};
  tf.tidy(() => {
    const { inputs, logits } = forward(model, tf.tensor2d(pixels, [samples, PIXELS]));
    deltas(model, inputs, logits, labels).forEach((delta, l) => {
      const { a, b } = model.adapters[l];
      const shape = (width) => [samples, RANK, width];
      const ofA = outerProducts(tf.matMul(delta, b), inputs[l]);
      const ofB = outerProducts(tf.matMul(inputs[l], a, false, true), delta);
      layers[`layers.${l}.lora_A`] = { rows: ofA, shape: shape(inputs[l].shape[1]) };
      layers[`layers.${l}.lora_B`] = { rows: ofB, shape: shape(delta.shape[1]) };
    });
  });
  return { layers };
}
