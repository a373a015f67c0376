// A stock TensorFlow.js program, made fast, and asked which of its training samples hurt: node examples/tf-layers.mjs
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { rocAuc, topK } from 'gradsift';
import { accelerate, influenceFromModel, layersModel, writeGradients } from 'gradsift/tfjs';
import { CLASSES, PIXELS, readDigits, split } from './digits/data.mjs';
import { generator } from './digits/random.mjs';

const { train: digits, validation } = split(readDigits(), generator(1)); // a fifth of the labels given is wrong
const images = ({ pixels, count }) => tf.tensor2d(pixels, [count, PIXELS]);
const oneHot = (labels) => tf.oneHot(tf.tensor1d(labels, 'int32'), CLASSES).toFloat();

await accelerate(tf, { backend: 'wasm' }); // the one new line; everything up to fit() is as it was

const network = tf.sequential({
  layers: [
    tf.layers.dense({ inputShape: [PIXELS], units: 64, activation: 'relu', kernelInitializer: seeded(1) }),
    tf.layers.dense({ units: CLASSES, activation: 'softmax', kernelInitializer: seeded(2) }),
  ],
});
network.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
const train = { inputs: images(digits), targets: oneHot(digits.given) };
await network.fit(train.inputs, train.targets, { epochs: 10, batchSize: 50, shuffle: false, verbose: 0 });

const model = layersModel(tf, network);
const val = { inputs: images(validation), targets: oneHot(validation.labels) };
const result = await influenceFromModel({ model, train, val, methods: ['hyperinf'] });
const scores = result.methods.hyperinf.scores[0]; // positive = harmful: raises the validation loss
console.log('most harmful:', topK(scores, 10));
console.log(
  `a wrong label scores higher than a right one with probability ${rocAuc(scores, digits.flipped).toFixed(3)}`,
);

// Or keep the gradients, for every method and any number of questions: gradsift influence --train FILE ...
if (process.argv[2]) await writeGradients(process.argv[2], { model, data: train, dtype: 'BF16' });

function seeded(seed) {
  return tf.initializers.glorotUniform({ seed });
}
