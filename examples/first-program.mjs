// The first program of the README, on the gradients that the tests use: node examples/first-program.mjs
import { fileURLToPath } from 'node:url';
import { openGradients, influence, topK } from 'gradsift';

process.chdir(fileURLToPath(new URL('../test/data/digits-lora/', import.meta.url)));

const train = await openGradients('train.safetensors'); // one tensor a layer, [samples, rank, width]
const val = await openGradients('val.safetensors');
const result = await influence({ train, val, methods: ['hyperinf', 'datainf'] });

const scores = result.methods.hyperinf.scores[0]; // positive = harmful: raises the validation loss
console.log('most harmful:', topK(scores, 10));
console.log('worst residual:', Math.max(...result.methods.hyperinf.layers.map((layer) => layer.residual)));
