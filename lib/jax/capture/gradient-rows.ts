import { GradsiftError } from '../../errors.js';
import type { CaptureOptions } from '../../gradients/captured-gradients.js';
import type { MemoryGradients } from '../../gradients/memory-store.js';
import type { JaxArray } from '../jax.js';
import type { Batch, Model } from '../model.js';
import { requireModel } from './batch.js';
import { compiled, lending, lent } from './compiled.js';

type Arrays = Record<string, JaxArray>;

/**
 * Gradients of the loss of every sample of a batch, formed in full by vmap(grad): for weights however they are used, at
 * the price of samples x weights numbers of memory, and of time with them. captureGradients is many times faster
 * for the layers that it knows.
 *
 * Each gradient has the shape of its weight: [samples, rows, columns] of a matrix, [samples, length] of a vector,
 * [samples, first, others] of anything else. So a dense layer's is [in, out], and `side: 'rows'` of influence() is for
 * it what 'columns' is for captureGradients.
 *
 * jax-js 0.1.25 cannot compile this for a table that is read by indices (numpy.take): leave it out with `exclude`.
 *
 * @returns what openGradients takes
 * @throws GradsiftError as {@link captureGradients}, but for how weights are used
 */
export function gradientRows(model: Model, batch: Batch, options: CaptureOptions = {}): MemoryGradients {
  const { samples, names } = requireModel(model, batch, options);
  const [chosen, fixed]: [Arrays, Arrays] = [{}, {}];
  for (const [name, array] of Object.entries(model.weights)) (names.has(name) ? chosen : fixed)[name] = array;
  const gradients = lending([...Object.values(model.weights), batch.inputs, batch.targets], () => {
    const program = compiled('rows', model, names, batch, () => rowsProgram(model));
    return program(lent(chosen), lent(fixed), batch.inputs.ref, batch.targets.ref);
  });
  const layers = [...names].map((name) => {
    const { shape } = model.weights[name] as JaxArray;
    const [first = 1, ...others] = shape;
    const columns = others.reduce((product, length) => product * length, 1);
    const rows = (gradients[name] as JaxArray).dataSync() as Float32Array;
    return [name, { rows, shape: others.length === 0 ? [samples, first] : [samples, first, columns] }] as const;
  });
  return { layers: Object.fromEntries(layers) };
}

function rowsProgram({ jax, losses }: Model) {
  const { numpy } = jax;
  const lossOf = (chosen: Arrays, fixed: Arrays, input: JaxArray, target: JaxArray) => {
    const one = { inputs: numpy.expandDims(input, 0), targets: numpy.expandDims(target, 0) };
    const loss = losses({ ...fixed, ...chosen }, one);
    if (!(loss.shape.length === 1 && loss.shape[0] === 1)) {
      const found = loss.shape.join(', ');
      throw new GradsiftError('GRADSIFT_SHAPE', `model.losses: expected one loss a sample, [1], got [${found}]`);
    }
    return numpy.sum(loss);
  };
  return jax.jit((chosen: Arrays, fixed: Arrays, inputs: JaxArray, targets: JaxArray) => {
    const gradient = (input: JaxArray, target: JaxArray) =>
      jax.grad((weights: Arrays) => lossOf(weights, fixed, input, target))(chosen);
    return jax.vmap(gradient, [0, 0])(inputs, targets);
  });
}
