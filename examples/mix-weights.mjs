// Domain weights for a trainer that is not in this process: rules fed by numbers, a mixture record, and its exports.
//
//   node examples/mix-weights.mjs
import { createMixture, crisp, dga, exportMixture, mixtureSampler } from 'gradsift';

const rule = dga({ target: 'wiki', stepSize: 0.5, ema: { beta: 0.3 } });
let state = rule.init(['web', 'books', 'code']);

// Every rule.period steps your trainer takes the products of its gradients: <g_i, g_target>.
state = rule.update(state, { alignment: { web: 0.8, books: 1.1, code: -0.4 } });
state = JSON.parse(JSON.stringify(state)); // a state is a JSON value: keep it in your checkpoint
state = rule.update(state, { alignment: { web: 0.6, books: 1.3, code: -0.2 } });
console.log(rule.weights(state));

const sources = { web: { path: 'data/web' }, books: { path: 'data/books' }, code: { path: 'data/code' } };
const mixture = createMixture({ method: rule.name, weights: rule.learned(state), step: state.step, sources });
console.log(exportMixture(mixture, 'megatron').text); // --data-path 0.33... data/web ...

// Which sample comes next: a function of the seed and of counts, also when the weights change on the way.
const sampler = mixtureSampler({ sizes: { web: 5000, books: 800, code: 2000 }, seed: 1 });
const { samples, state: place } = sampler.draw(sampler.init(), rule.weights(state), 4);
console.log(samples, place.taken);

// CRISP: windows by cluster of a small specialist set and of the corpus, here counted elsewhere.
const plan = crisp({ target: { 0: 6, 1: 3, 2: 1 }, generic: { 0: 1000, 1: 2000, 2: 3000, 3: 4000 }, budget: 5000 });
console.log(plan.weights, plan.epochs, plan.effectiveShare);
